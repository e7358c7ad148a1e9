import { type Trial, runTrial } from "./trial.ts";

// As the other worker does.
process.on("message", (trial: Trial) => {
	void runTrial(trial).then((outcome) => process.send?.(outcome));
});
