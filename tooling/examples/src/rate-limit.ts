// A rate that somebody else is held to: so many a second on average, and a few more at once.
import { TokenBucket } from "@cicada/chordlib";

const questions = new TokenBucket(2, 3, 0);
console.log([0, 0, 0, 0].map((now) => questions.take(now))); // [ true, true, true, false ]

// Half a second later there is room for one more.
console.log([500, 500].map((now) => questions.take(now))); // [ true, false ]
