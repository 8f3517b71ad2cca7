import { randomUUID } from 'node:crypto'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { MOTO_ACCOUNT, MOTO_REGION, type Moto, motoEnvironment } from './moto.ts'

/** An SQS queue of moto, with the events that EventBridge would send to it. */
export class MotoQueue {
  readonly url: string
  readonly #client: SQSClient

  private constructor(url: string, client: SQSClient) {
    this.url = url
    this.#client = client
  }

  static async create(moto: Moto, name = `ecr-events-${randomUUID()}`): Promise<MotoQueue> {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = motoEnvironment
    const credentials = { accessKeyId, secretAccessKey }
    const client = new SQSClient({ region: MOTO_REGION, endpoint: moto.endpoint, credentials })
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name }))
    return new MotoQueue(QueueUrl ?? '', client)
  }

  async send(body: string): Promise<void> {
    await this.#client.send(new SendMessageCommand({ QueueUrl: this.url, MessageBody: body }))
  }

  /** Sends the event of a completed push (docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html). */
  async sendPush(repository: string, tag: string, digest: string): Promise<void> {
    await this.send(
      JSON.stringify({
        version: '0',
        id: randomUUID(),
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account: MOTO_ACCOUNT,
        time: new Date().toISOString(),
        region: MOTO_REGION,
        resources: [],
        detail: {
          result: 'SUCCESS',
          'repository-name': repository,
          'image-digest': digest,
          'action-type': 'PUSH',
          'image-tag': tag,
        },
      }),
    )
  }

  /** Counts messages that nobody has deleted, visible or hidden. */
  async depth(): Promise<number> {
    const names: QueueAttributeName[] = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible']
    const command = new GetQueueAttributesCommand({ QueueUrl: this.url, AttributeNames: names })
    const { Attributes = {} } = await this.#client.send(command)
    return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0)
  }

  close(): void {
    this.#client.destroy()
  }
}
