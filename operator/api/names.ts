/** The names and defaults of the API, without its schemas, which only `make generate` loads. */

export const group = 'cvmanager.io'
export const version = 'v1'
export const kind = 'ContainerVersion'
export const plural = 'containerversions'
export const apiVersion = `${group}/${version}`

/** Present only while a rollout is in progress, so that deleting the object ends the rollout cleanly. */
export const finalizer = `${group}/rollout`

export const strategyKinds = ['Simple', 'ServiceBlueGreen'] as const
export type StrategyKind = (typeof strategyKinds)[number]

export const defaultVersionSyntax = '[0-9a-f]{5,40}'
export const defaultTimeoutSeconds = 900
