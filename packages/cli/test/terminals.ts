// Real terminals for tests: windows of a tmux of their own, typed into and looked at.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { onTestFailed, onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "../dist/bin.js");

/** Whether there is a tmux. In CI there must be one: what misses it fails there. */
export const withoutTmux: boolean =
	spawnSync("tmux", ["-V"]).status !== 0 && process.env["CI"] === undefined;

let servers = 0;

/** A tmux, in which each window runs one `cicada`. */
export class Terminals {
	readonly #server = `cicada-test-${process.pid}-${servers++}`;
	/** A client in control mode: it hears of everything that any window shows. */
	readonly #control: ChildProcess;
	readonly #listeners = new Set<() => void>();
	/** What a test that takes too long waits for. */
	waiting = "for nothing";
	#windows = 0;

	constructor() {
		onTestFailed(() => {
			console.error(`waited ${this.waiting}`);
		});
		const { NO_COLOR: _, FORCE_COLOR: __, TMUX: ___, ...env } = process.env;
		const args = ["-u", "-L", this.#server, "-f", "/dev/null", "-C", "new-session", "-s", "chat"];
		this.#control = spawn("tmux", [...args, "cat"], {
			stdio: "pipe",
			env: { ...env, LC_ALL: "C.UTF-8", TERM: "xterm-256color" },
		});
		this.#control.stdout?.on("data", () => {
			for (const look of this.#listeners) look();
		});
		onTestFinished(() => {
			spawnSync("tmux", ["-L", this.#server, "kill-server"]);
			this.#control.kill("SIGKILL");
		});
	}

	async open(...args: string[]): Promise<Terminal> {
		await this.#ready();
		const program = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(" ");
		// How it ended is shown too, and the window stays.
		const command = `${program}; echo "[exit code $?]"; exec cat`;
		const name = `${this.#windows++}`;
		await this.tmux("new-window", "-d", "-n", `w${name}`, "-t", "chat", command);
		const terminal = new Terminal(this, `chat:w${name}`);
		await terminal.resize(80, 24);
		return terminal;
	}

	async tmux(...args: string[]): Promise<string> {
		const { stdout } = await promisify(execFile)("tmux", ["-L", this.#server, ...args]);
		return stdout;
	}

	/** Resolves when any window shows something new. */
	change(): Promise<void> {
		return new Promise((resolve) => {
			const once = (): void => {
				this.#listeners.delete(once);
				resolve();
			};
			this.#listeners.add(once);
		});
	}

	/** The control client speaks as soon as the server is there. */
	async #ready(): Promise<void> {
		if (this.#windows > 0) return;
		await this.change();
	}
}

export class Terminal {
	readonly #terminals: Terminals;
	readonly #window: string;

	constructor(terminals: Terminals, window: string) {
		this.#terminals = terminals;
		this.#window = window;
	}

	/** Types text, and Enter. */
	async enter(text: string): Promise<void> {
		await this.type(text);
		await this.press("Enter");
	}

	async type(text: string): Promise<void> {
		await this.#terminals.tmux("send-keys", "-t", this.#window, "-l", "--", text);
	}

	/** Presses keys by their tmux names: `Enter`, `C-c`, `Tab`. */
	async press(...keys: string[]): Promise<void> {
		await this.#terminals.tmux("send-keys", "-t", this.#window, ...keys);
	}

	/** As the mouse pastes: all at once. */
	async paste(text: string): Promise<void> {
		await this.#terminals.tmux("set-buffer", "--", text);
		await this.#terminals.tmux("paste-buffer", "-t", this.#window);
	}

	async resize(columns: number, rows: number): Promise<void> {
		const size = ["-x", String(columns), "-y", String(rows)];
		await this.#terminals.tmux("resize-window", "-t", this.#window, ...size);
	}

	/** What it shows, lines that it wrapped in one, and with `history` what has scrolled away besides. */
	async screen({ history = false, escapes = false } = {}): Promise<string> {
		const text = await this.#terminals.tmux(
			"capture-pane",
			"-p",
			"-J",
			"-t",
			this.#window,
			...(history ? ["-S", "-"] : []),
			...(escapes ? ["-e"] : []),
		);
		return text.replaceAll(/ +$/gm, "").trimEnd();
	}

	/** The screen, once it shows something. */
	async until(
		shows: string | RegExp | ((screen: string) => boolean),
		options: { history?: boolean } = {},
	): Promise<string> {
		for (;;) {
			const change = this.#terminals.change();
			const screen = await this.screen(options);
			if (matches(screen, shows)) return screen;
			this.#terminals.waiting = `for ${String(shows)} in\n${screen}`;
			await change;
		}
	}

	/** Ends what runs in it, as nobody can prevent. */
	async kill(): Promise<void> {
		const ask = ["display-message", "-p", "-t", this.#window, "#{pane_pid}"];
		const shell = (await this.#terminals.tmux(...ask)).trim();
		const { stdout } = await promisify(execFile)("pgrep", ["-P", shell]);
		process.kill(Number(stdout), "SIGKILL");
	}
}

function matches(screen: string, shows: string | RegExp | ((screen: string) => boolean)): boolean {
	if (typeof shows === "function") return shows(screen);
	return typeof shows === "string" ? screen.includes(shows) : shows.test(screen);
}
