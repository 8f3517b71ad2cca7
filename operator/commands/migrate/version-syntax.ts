/** The first cvmanager searched for `versionSyntax` anywhere in a tag; now it must match the whole tag (B04). */
import { defaultVersionSyntax } from '../../api/names.ts'

export interface Anchored {
  readonly pattern: string
  /** What has changed; undefined if the pattern means the same. */
  readonly note?: string
}

const begins = /^\^/
/** Not an escaped dollar sign. */
const ends = /(?<!\\)(?:\\\\)*\$$/

/**
 * A pattern with an anchor at one end was left open at the other on purpose, and stays so. One without anchors was mostly meant
 * for the whole tag; it stays as it is, and the note has the pattern that means the same as before.
 */
export function anchored(pattern: string): Anchored {
  const [isBegun, isEnded] = [begins.test(pattern), ends.test(pattern)]
  // An anchor may belong to one alternative alone.
  const isOne = !hasAlternatives(pattern)
  if (isBegun && isEnded && isOne) return { pattern }
  const asBefore = `.*(?:${pattern}).*`
  if (isBegun === isEnded)
    return {
      pattern,
      note: `must match the whole tag now, where any part of a tag was enough; if your version tags have more before or after it, write ${asBefore}`,
    }
  const open = isOne ? (isBegun ? `${pattern}.*` : `.*${pattern}`) : asBefore
  return { pattern: open, note: `must match the whole tag now: ${pattern} is written as ${open}, which means the same` }
}

/** Whether a pattern has alternatives outside of all groups. */
function hasAlternatives(pattern: string): boolean {
  let flat = pattern.replaceAll(/\\./gs, '').replaceAll(/\[\^?\]?[^\]]*\]/g, '')
  for (let before = ''; before !== flat; ) {
    before = flat
    flat = flat.replaceAll(/\([^()]*\)/g, '')
  }
  return flat.includes('|')
}

export const defaultNote = `is left out: the default ${defaultVersionSyntax} must match the whole tag now, where any part of a tag was enough`
