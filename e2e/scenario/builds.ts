import { type Digest, type ImageContent, makeImage } from '../harness/images.ts'

/** What CI builds from one commit. The same name gives the same image, hence the same digest, in every repository. */
export interface Build {
  /** The version tag that CI puts on it. Words of e2e/harness/pod-marks.ts make its pods fail. */
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
/** Its process ends with status 1 again and again. */
export const crashing = build('bad2bad')
/** Runs, and never becomes ready. */
export const hanging = build('bad3bad')
