import type { Settings } from '../config/settings.ts'

/** Addresses that replace the public ones, by what they stand for. */
export const endpointsOf = ({ registryEndpoints }: Settings): Readonly<Record<string, string>> =>
  Object.fromEntries(registryEndpoints.map((pair) => pair.split('=')))
