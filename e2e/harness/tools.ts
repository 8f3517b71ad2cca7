import { locate } from '../tools/locate.ts'
import { type ProgramName, toolsDirectory } from '../tools/programs.ts'

/** Where a program of the test bed is. Throws with what to do when it has not been built. */
export function toolPath(name: ProgramName): string {
  const located = locate(name)
  if (located) return located.path
  throw new Error(`${name} is not in ${toolsDirectory()}: run "make tools" first (once; it takes some minutes)`)
}
