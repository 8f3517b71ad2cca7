/** The kinds of webhook: the last part of the path, the name of the secret file, and the label in the metrics. */
export const webhookKinds = [
  'distribution',
  'dockerhub',
  'ghcr',
  'quay',
  'harbor',
  'gitlab',
  'gar',
  'azure',
  'cloudevents',
] as const
export type WebhookKind = (typeof webhookKinds)[number]
