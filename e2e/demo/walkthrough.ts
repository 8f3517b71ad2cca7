import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProgram } from '../harness/processes.ts'
import type { Environment } from './environment.ts'
import { movingTag, Publisher, repository } from './publisher.ts'
import { Shop, type ShopState } from './shop.ts'
import type { Terminal } from './terminal.ts'
import { Watcher } from './watcher.ts'

export interface WalkthroughParts {
  readonly environment: Environment
  readonly terminal: Terminal
  readonly operator: RunningProgram
  readonly signal: AbortSignal
}

const replicas = 3

/** The steps of the demo. Each step asserts what it has shown. */
export class Walkthrough {
  readonly #parts: WalkthroughParts
  readonly #shop: Shop
  readonly #watcher: Watcher<ShopState>
  readonly ci: Publisher

  constructor(parts: WalkthroughParts) {
    const { environment, terminal, operator, signal } = parts
    this.#parts = parts
    this.#shop = new Shop(environment.kubeconfig)
    this.#watcher = new Watcher(terminal, this.#shop, operator, signal)
    this.ci = new Publisher(environment.registryOrigin, environment.images.make)
  }

  async application(): Promise<void> {
    const { environment, terminal } = this.#parts
    terminal.chapter('2. An application, and a ContainerVersion that says which tag it follows')
    await this.#push('v1.0.0')
    await environment.shell.show(
      `sed 's/registry.example.com/${environment.registryHost}/' examples/shop/*.yaml | kubectl apply -f -`,
    )
    terminal.line()
    terminal.say('The manifest names v1.0.0 by a tag, which could move. cvmanager pins web to the digest:')
    const { last } = await this.#runs('v1.0.0', 'web to run v1.0.0 by its digest')
    terminal.done(`web runs ${last.status.current?.version} by its digest, ${short(last.status.current?.digest)}`)
  }

  async goodVersion(version: string): Promise<void> {
    const { last, seen } = await this.#deliver(version)
    const [rollout] = last.status.rollouts ?? []
    assert.deepEqual([rollout?.version, rollout?.outcome], [version, 'Succeeded'])
    assertAlwaysReady(seen)
    this.#parts.terminal.done(`${version} is rolled out, ${took(last)}; ${replicas} pods were ready at every moment`)
  }

  async badVersion(version: string): Promise<void> {
    const { environment, terminal } = this.#parts
    const before = await this.#shop.read()
    const digest = await this.#push(version, true)
    const rolledBack = ({ status }: ShopState) => status.phase === 'RolledBack' && status.rollout === undefined
    const { seen } = await this.#watcher.watchUntil('cvmanager to roll it back', rolledBack, environment.timeoutMs)
    const settled = ({ pods, image }: ShopState) =>
      image === before.image && pods.length === replicas && pods.every((pod) => pod.ready && pod.image === before.image)
    const { last } = await this.#watcher.watchUntil('the failed pod to go', settled, environment.timeoutMs)
    assert.deepEqual(podNames(last), podNames(before), 'the pods are the previous ones')
    const [quarantined] = last.status.quarantined ?? []
    assert.equal(quarantined?.digest, digest, 'the failed digest is in quarantine')
    assert.match(quarantined.message, /ImagePullBackOff/)
    assertAlwaysReady(seen)
    terminal.done(
      `${version} failed and is rolled back to the exact previous image; the ${replicas} old pods kept running`,
    )
    terminal.done('its digest is in quarantine until the tag moves on or the spec changes')
  }

  /** Runs the commands with which a user sees what has happened. */
  async showStatus(running: string, failed: string): Promise<void> {
    const { environment, terminal } = this.#parts
    terminal.chapter('6. What kubectl shows')
    const table = await environment.shell.show('kubectl get cv -n shop')
    assert.match(table, new RegExp(`web +${movingTag} +${running} +UpToDate +Simple`))
    const wide = await environment.shell.show('kubectl get cv -n shop -o wide')
    assert.match(wide, /sha256:[0-9a-f]{12} /)
    const condition = await environment.shell.show('kubectl wait --for=condition=Ready cv/web -n shop --timeout=10s')
    assert.match(condition, /condition met/)
    const description = await environment.shell.show('kubectl describe cv web -n shop')
    for (const reason of ['RolloutStarted', 'RolloutSucceeded', 'RolloutFailed', 'RolledBack']) {
      assert.match(description, new RegExp(`${reason} .*cvmanager`), `kubectl describe shows ${reason}`)
    }
    assert.match(description, new RegExp(`RolledBack .*${failed}`))
    const history = await environment.shell.show("kubectl get configmap web.history -n shop -o jsonpath='{.data.Info}'")
    assert.match(history, new RegExp(`Workload:web to version:${running}`))
    const versions = await environment.shell.show("kubectl get configmap versions -n shop -o jsonpath='{.data.web}'")
    assert.equal(versions.trim(), running)

    const patches = await environment.imagePatches()
    if (patches === undefined) return
    assert.equal(patches, 5, 'one image patch for each rollout, and one for the rollback')
    terminal.line()
    terminal.done(`the API server's audit log: ${patches} image patches by cvmanager, for 4 rollouts and 1 rollback`)
  }

  async watch(): Promise<void> {
    await this.#watcher.watchUntilStopped()
  }

  async end(): Promise<void> {
    await Promise.all([this.#shop.close(), this.ci.close()])
  }

  async #deliver(version: string) {
    await this.#push(version)
    return this.#runs(version, `cvmanager to see the tag move (it polls every 5 s) and roll out ${version}`)
  }

  async #push(version: string, broken = false): Promise<string> {
    const { terminal, signal } = this.#parts
    const { digest } = await this.ci.push(version, broken)
    terminal.done(`CI pushed ${repository}:${version}${broken ? ', which no node can pull' : ''}`)
    if (!signal.aborted) await sleep(300)
    await this.ci.moveTag(digest)
    terminal.done(`CI moved the tag ${movingTag} to it (${short(digest)})`)
    return digest
  }

  /** Waits until all pods run the digest that the registry has for this version. */
  async #runs(version: string, what: string) {
    const { environment } = this.#parts
    const { digest } = await this.ci.push(version)
    const image = `${environment.registryHost}/${repository}:${version}@${digest}`
    const holds = ({ pods, status, image: written }: ShopState) =>
      status.phase === 'UpToDate' &&
      status.current?.digest === digest &&
      (written === image || environment.simulated === false) &&
      pods.length === replicas &&
      pods.every(({ ready }) => ready)
    const watched = await this.#watcher.watchUntil(what, holds, environment.timeoutMs)
    assert.equal(watched.last.status.current?.version, version)
    return watched
  }
}

/** The example's Deployment allows no unavailable pods. */
function assertAlwaysReady(seen: readonly ShopState[]): void {
  const ready = seen.map(({ pods }) => pods.filter((pod) => pod.ready).length)
  assert.ok(Math.min(...ready) >= replicas, `at least ${replicas} pods ready at every moment, but: ${ready.join(' ')}`)
}

const short = (digest = ''): string => `${digest.slice(0, 19)}…`

const podNames = ({ pods }: ShopState): readonly string[] => pods.map(({ name }) => name).sort()

const took = ({ status }: ShopState): string => `after ${status.rollouts?.[0]?.duration}`
