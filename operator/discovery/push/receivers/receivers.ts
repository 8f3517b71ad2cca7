import type { WebhookKind } from '../../../config/webhook-kinds.ts'
import { azure } from './azure.ts'
import { cloudEvents } from './cloud-events.ts'
import { distribution } from './distribution.ts'
import { dockerHub } from './docker-hub.ts'
import { gar } from './gar.ts'
import { ghcr } from './ghcr.ts'
import { gitlab } from './gitlab.ts'
import { harbor } from './harbor.ts'
import { quay } from './quay.ts'
import type { ReceiverKind } from './receiver.ts'

/** Every kind of webhook. */
export const receiverKinds: Readonly<Record<WebhookKind, ReceiverKind>> = {
  distribution,
  dockerhub: dockerHub,
  ghcr,
  quay,
  harbor,
  gitlab,
  gar,
  azure,
  cloudevents: cloudEvents,
}
