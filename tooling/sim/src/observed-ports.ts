import type { LinkHandler, Ports } from "@cicada/chordlib";

/**
 * The same ports, with `after` called after all that they cause: each timer, each call that was deferred, and all
 * that a link tells. Whatever a node does happens in one of these, so who looks then misses no state of it.
 */
export function observed({ clock, random, transport }: Ports, after: () => void): Ports {
	const then =
		(run: () => void): (() => void) =>
		() => {
			run();
			after();
		};
	const watched = (handler: LinkHandler): LinkHandler => ({
		open() {
			handler.open();
			after();
		},
		data(chunk) {
			handler.data(chunk);
			after();
		},
		drain() {
			handler.drain();
			after();
		},
		close(error) {
			handler.close(error);
			after();
		},
	});
	return {
		clock: {
			now: () => clock.now(),
			wall: () => clock.wall(),
			schedule: (delay, run) => clock.schedule(delay, then(run)),
			defer: (run) => {
				clock.defer(then(run));
			},
		},
		random,
		transport: {
			listen: (address, accept) => transport.listen(address, (link) => watched(accept(link))),
			dial: (address, handler) => transport.dial(address, watched(handler)),
			resolve: (host) => transport.resolve(host),
			localHost: () => transport.localHost(),
		},
	};
}
