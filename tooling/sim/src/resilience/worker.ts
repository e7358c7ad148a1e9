import { type Trials, runTrials } from "./trial.ts";

// As the other worker does.
process.on("message", (trials: Trials) => {
	void runTrials(trials).then((outcome) => process.send?.(outcome));
});
