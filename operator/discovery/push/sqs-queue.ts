/** An SQS queue. The only file that knows the SDK for SQS, which is loaded when a queue is configured. */
import type { SQSClient } from '@aws-sdk/client-sqs'
import { UsageError } from '../../errors.ts'
import { awsCredentials } from '../../registries/ecr/identity.ts'
import type { IdentitySettings } from '../../registries/registry-kind.ts'

export interface Message {
  readonly id: string
  readonly body: string
  /** Identifies this receive of the message, for `delete`. */
  readonly receipt: string
  /** How often it has been received, this time included. */
  readonly receives: number
}

export interface Queue {
  /** Waits up to 20 s for messages; hides those that it returns from other readers for 30 s. */
  receive(signal: AbortSignal): Promise<readonly Message[]>
  delete(messages: readonly Message[], signal: AbortSignal): Promise<void>
  close(): void
}

const waitSeconds = 20
const visibilityTimeoutSeconds = 30
/** The limit of SQS, for receives and for deletes. */
const maxMessages = 10
const connectTimeoutMs = 5_000
const answerTimeoutMs = 10_000

/** `https://sqs.eu-west-1.amazonaws.com/123456789012/name`, and the same by a VPC endpoint. */
const regionInHost = /(?:^|\.)sqs(?:-fips)?\.([a-z]{2,8}(?:-[a-z]+)+-\d+)\./

/** @throws UsageError if neither the URL of `--ecr-events-queue` nor the environment names a region */
export function regionOf(url: string, env: Readonly<Record<string, string | undefined>>): string {
  const region = regionInHost.exec(new URL(url).hostname)?.[1] ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  if (region !== undefined && region !== '') return region
  throw new UsageError(`--ecr-events-queue ${url}: its host names no region; set AWS_REGION`)
}

export interface QueueOptions {
  /** The queue's URL; its host is the endpoint. */
  readonly url: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The same identity that asks ECR. */
  readonly identity?: IdentitySettings
  readonly stsEndpoint?: string | undefined
}

/** @throws UsageError */
export async function openQueue({ url, env, identity = {}, stsEndpoint }: QueueOptions): Promise<Queue> {
  const region = regionOf(url, env)
  const sdk = await import('@aws-sdk/client-sqs')
  const ecr = await import('../../registries/ecr/sdk.ts')
  const client: SQSClient = new sdk.SQSClient({
    region,
    endpoint: new URL(url).origin,
    credentials: awsCredentials(ecr, identity, {
      region,
      ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }),
    }),
    // The reader of the queue has its own back-off.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectTimeoutMs, requestTimeout: waitSeconds * 1000 + answerTimeoutMs },
  })
  return {
    receive: async (signal) => {
      const command = new sdk.ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: maxMessages,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilityTimeoutSeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      })
      const { Messages = [] } = await client.send(command, { abortSignal: signal })
      return Messages.map(({ MessageId, Body, ReceiptHandle, Attributes }) => ({
        id: MessageId ?? '',
        body: Body ?? '',
        receipt: ReceiptHandle ?? '',
        receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
      }))
    },
    delete: async (messages, signal) => {
      const Entries = messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }))
      await client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl: url, Entries }), { abortSignal: signal })
    },
    close: () => client.destroy(),
  }
}
