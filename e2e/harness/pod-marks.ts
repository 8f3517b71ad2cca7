/**
 * Words that decide how a simulated pod behaves. If an image has one of them in its repository or tag, its pods fail as real
 * pods do. The second word of each pair looks like a commit, for versions that must match `[0-9a-f]{5,40}`.
 * - broken: the image cannot be pulled (ImagePullBackOff)
 * - crash: the process exits with status 1 again and again (CrashLoopBackOff)
 * - hang: the container runs but never becomes ready
 * - exit3: the process exits with status 3 (a pod that is not restarted becomes Failed; other pods crash)
 */
export const marks = {
  broken: ['broken', 'bad1bad'],
  crash: ['crash', 'bad2bad'],
  hang: ['hang', 'bad3bad'],
  exit3: ['exit3', 'bad4bad'],
} as const

/** Annotation of a pod that becomes ready only some seconds after its containers have started. */
export const slowAnnotation = 'e2e.cvmanager.io/slow'
export const slowMs = 6_000

/** Annotation of a pod: the digest of its images, for images that are written without one. */
export const digestAnnotation = 'e2e.cvmanager.io/digest'

/** Annotation of a pod that a test runs as a process, and whose status and end the test therefore writes itself. */
export const processAnnotation = 'e2e.cvmanager.io/process'
