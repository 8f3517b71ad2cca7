import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProgram } from '../harness/processes.ts'
import { Audience } from './audience.ts'
import { movingTag, Publisher, repository } from './publisher.ts'
import { Shop, type ShopState } from './shop.ts'
import type { Stage } from './stage.ts'
import type { Terminal } from './terminal.ts'

export interface Cast {
  readonly stage: Stage
  readonly terminal: Terminal
  readonly operator: RunningProgram
  readonly signal: AbortSignal
}

const replicas = 3

/** The demo itself. Each act asserts what it has shown, so that it cannot tell a story that did not happen. */
export class Play {
  readonly #cast: Cast
  readonly #shop: Shop
  readonly #audience: Audience
  readonly #ci: Publisher

  constructor(cast: Cast) {
    const { stage, terminal, operator, signal } = cast
    this.#cast = cast
    this.#shop = new Shop(stage.kubeconfig)
    this.#audience = new Audience(terminal, this.#shop, operator, signal)
    this.#ci = new Publisher(stage.registryOrigin, stage.images.make)
  }

  async application(): Promise<void> {
    const { stage, terminal } = this.#cast
    terminal.chapter('2. An application, and a ContainerVersion that says which tag feeds it')
    await this.#ciDelivers('v1.0.0')
    await stage.shell.typed(
      `sed 's/registry.example.com/${stage.registryHost}/' examples/shop/*.yaml | kubectl apply -f -`,
    )
    terminal.line()
    terminal.say('The manifest names v1.0.0 by a tag, which could be moved. cvmanager holds web to the digest:')
    const { last } = await this.#runs('v1.0.0', 'web to run v1.0.0 by its digest')
    terminal.done(`web runs ${last.status.current?.version} by its digest, ${short(last.status.current?.digest)}`)
  }

  async goodVersion(version: string): Promise<void> {
    const { last, seen } = await this.#delivery(version)
    const [rollout] = last.status.rollouts ?? []
    assert.deepEqual([rollout?.version, rollout?.outcome], [version, 'Succeeded'])
    served(seen)
    this.#cast.terminal.done(`${version} is rolled out, ${took(last)}; ${replicas} pods were ready at every moment`)
  }

  async badVersion(version: string): Promise<void> {
    const { stage, terminal } = this.#cast
    const before = await this.#shop.look()
    const digest = await this.#ciDelivers(version, true)
    const rolledBack = ({ status }: ShopState) => status.phase === 'RolledBack' && status.rollout === undefined
    const { seen } = await this.#audience.watchUntil('cvmanager to roll it back', rolledBack, stage.patienceMs)
    const settled = ({ pods, image }: ShopState) =>
      image === before.image && pods.length === replicas && pods.every((pod) => pod.ready && pod.image === before.image)
    const { last } = await this.#audience.watchUntil('the failed pod to go', settled, stage.patienceMs)
    assert.deepEqual(podNames(last), podNames(before), 'the pods are those of before')
    const [quarantined] = last.status.quarantined ?? []
    assert.equal(quarantined?.digest, digest, 'the failed digest is in quarantine')
    assert.match(quarantined.message, /ImagePullBackOff/)
    served(seen)
    terminal.done(`${version} failed and is rolled back to the exact image of before; the ${replicas} old pods ran on`)
    terminal.done('its digest is in quarantine: not tried again until the tag moves on or the spec changes')
  }

  /** What a user would type to see what has happened. */
  async story(running: string, failed: string): Promise<void> {
    const { stage, terminal } = this.#cast
    terminal.chapter('6. What kubectl shows')
    const table = await stage.shell.typed('kubectl get cv -n shop')
    assert.match(table, new RegExp(`web +${movingTag} +${running} +UpToDate +Simple`))
    const wide = await stage.shell.typed('kubectl get cv -n shop -o wide')
    assert.match(wide, /sha256:[0-9a-f]{64}/)
    const condition = await stage.shell.typed('kubectl wait --for=condition=Ready cv/web -n shop --timeout=10s')
    assert.match(condition, /condition met/)
    const story = await stage.shell.typed('kubectl describe cv web -n shop')
    for (const reason of ['RolloutStarted', 'RolloutSucceeded', 'RolloutFailed', 'RolledBack']) {
      assert.match(story, new RegExp(`${reason} .*cvmanager`), `kubectl describe tells of ${reason}`)
    }
    assert.match(story, new RegExp(`RolledBack .*${failed}`))
    const history = await stage.shell.typed("kubectl get configmap web.history -n shop -o jsonpath='{.data.Info}'")
    assert.match(history, new RegExp(`Workload:web to version:${running}`))
    const versions = await stage.shell.typed("kubectl get configmap versions -n shop -o jsonpath='{.data.web}'")
    assert.equal(versions.trim(), running)

    const patches = await stage.imagePatches()
    if (patches === undefined) return
    // One for each rollout, and one more for the way back.
    assert.equal(patches, 5, 'one image patch for each rollout, and one for the rollback')
    terminal.line()
    terminal.done(`the API server's audit log: ${patches} image patches by cvmanager, 4 rollouts and 1 way back`)
  }

  async stay(): Promise<void> {
    await this.#audience.watchOn()
  }

  async end(): Promise<void> {
    await Promise.all([this.#shop.close(), this.#ci.close()])
  }

  async #delivery(version: string) {
    await this.#ciDelivers(version)
    return this.#runs(version, `cvmanager to see the tag move (it looks every 5 s) and roll out ${version}`)
  }

  async #ciDelivers(version: string, broken = false): Promise<string> {
    const { terminal, signal } = this.#cast
    const { digest } = await this.#ci.push(version, broken)
    terminal.done(`CI pushed ${repository}:${version}${broken ? ', which no node can pull' : ''}`)
    if (!signal.aborted) await sleep(300)
    await this.#ci.moveTag(digest)
    terminal.done(`CI moved the tag ${movingTag} onto it (${short(digest)})`)
    return digest
  }

  /** Waits until all of the application runs the version that the registry has under that name, by digest. */
  async #runs(version: string, what: string) {
    const { stage } = this.#cast
    const { digest } = await this.#ci.push(version)
    const image = `${stage.registryHost}/${repository}:${version}@${digest}`
    const isSo = ({ pods, status, image: written }: ShopState) =>
      status.phase === 'UpToDate' &&
      status.current?.digest === digest &&
      (written === image || stage.simulated === false) &&
      pods.length === replicas &&
      pods.every(({ ready }) => ready)
    const watched = await this.#audience.watchUntil(what, isSo, stage.patienceMs)
    assert.equal(watched.last.status.current?.version, version)
    return watched
  }
}

/** A rollout that takes ready pods away before others are there would be no demo. */
function served(seen: readonly ShopState[]): void {
  const ready = seen.map(({ pods }) => pods.filter((pod) => pod.ready).length)
  assert.ok(Math.min(...ready) >= replicas, `at least ${replicas} pods ready at every moment, but: ${ready.join(' ')}`)
}

const short = (digest = ''): string => `${digest.slice(0, 19)}…`

const podNames = ({ pods }: ShopState): readonly string[] => pods.map(({ name }) => name).sort()

const took = ({ status }: ShopState): string => `after ${status.rollouts?.[0]?.duration}`
