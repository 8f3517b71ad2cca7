import { Cache } from '../../kubernetes/cache.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { ServiceObject } from './service-object.ts'
import { type LazyStore, Services } from './services.ts'

/** A cache that is complete as soon as it is started, and whether it was. */
export class TestStore extends Cache<ServiceObject> implements LazyStore<ServiceObject> {
  started = 0
  readonly synced = Promise.resolve()

  constructor() {
    super((error) => {
      throw error
    })
  }

  start(): void {
    this.started += 1
  }
}

export function testServices(
  client: ApiClient,
  store = new TestStore(),
  onChange: (key: string) => void = () => undefined,
) {
  return new Services(client, store, onChange)
}
