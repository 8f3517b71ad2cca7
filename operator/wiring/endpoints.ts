import type { Settings } from '../config/settings.ts'

/** Addresses that replace the public ones, by what they stand for. */
export const endpointsOf = ({ registryEndpoints }: Settings): Readonly<Record<string, string>> =>
  Object.fromEntries(
    registryEndpoints.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
