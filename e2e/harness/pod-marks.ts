/**
 * How pods behave on the nodes of the test bed. An image with one of these words in its repository or tag fails as real
 * ones do; the second of each pair looks like a commit's hash, for versions that must match `[0-9a-f]{5,40}`.
 * - broken: cannot be pulled (ImagePullBackOff)
 * - crash: its process ends with status 1 again and again (CrashLoopBackOff)
 * - hang: runs, and never becomes ready
 * - exit3: ends with status 3 (a pod that is not restarted ends as Failed; others crash)
 */
export const marks = {
  broken: ['broken', 'bad1bad'],
  crash: ['crash', 'bad2bad'],
  hang: ['hang', 'bad3bad'],
  exit3: ['exit3', 'bad4bad'],
} as const

/** On a pod: the digest that its images were pulled by, for images that are not written with one. */
export const digestAnnotation = 'e2e.cvmanager.io/digest'
