import { type Digest, type ImageContent, makeImage } from '../harness/images.ts'

/** CI builds it from one commit. The same name gives the same image and so the same digest in every repository. */
export interface Build {
  /** Its version tag. The marks of e2e/harness/pod-marks.ts make its pods fail. */
  readonly name: string
  readonly digest: Digest
  readonly content: ImageContent
}

export function build(name: string, more: Omit<ImageContent, 'content'> = {}): Build {
  const content = { content: name, ...more }
  const digest = makeImage(content).manifests.at(-1)?.digest
  if (!digest) throw new Error('an image has a manifest')
  return { name, digest, content }
}

export const v1 = build('1111111')
export const v2 = build('2222222')
export const v3 = build('3333333')

/** Cannot be pulled. */
export const broken = build('bad1bad')
/** Its process exits with status 1 each time. */
export const crashing = build('bad2bad')
/** Runs but never becomes ready. */
export const hanging = build('bad3bad')
