import { locate } from '../tools/locate.ts'
import { type ProgramName, toolsDirectory } from '../tools/programs.ts'

/**
 * Returns the path of a program of the test bed.
 * @throws Error that says what to run if the program has not been built
 */
export function toolPath(name: ProgramName): string {
  const located = locate(name)
  if (located) return located.path
  throw new Error(`${name} is not in ${toolsDirectory()}: run "make tools" first (once; it takes some minutes)`)
}
