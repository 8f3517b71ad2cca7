import assert from 'node:assert/strict'
import type { Publisher } from './publisher.ts'
import { namespace, Sides, type SidesState } from './sides.ts'
import type { WalkthroughParts } from './walkthrough.ts'
import { Watcher } from './watcher.ts'

const tag = 'env-live'

/** The steps of the demo about two sides behind one Service, and about a version that fails its check. */
export class BlueGreen {
  readonly #parts: WalkthroughParts
  readonly #ci: Publisher
  readonly #sides: Sides
  readonly #watcher: Watcher<SidesState>

  constructor(parts: WalkthroughParts, ci: Publisher) {
    const { environment, terminal, operator, signal } = parts
    this.#parts = parts
    this.#ci = ci
    this.#sides = new Sides(environment.kubeconfig)
    this.#watcher = new Watcher(terminal, this.#sides, operator, signal)
  }

  async application(version: string): Promise<void> {
    const { environment, terminal } = this.#parts
    terminal.chapter('7. Blue/green: all users are switched at once')
    await this.#move(version)
    await environment.shell.show(`kubectl create namespace ${namespace}`)
    await environment.shell.show(
      `sed 's/registry.example.com/${environment.registryHost}/; s/namespace: shop/namespace: ${namespace}/; s/env-prod/${tag}/' examples/blue-green/shop.yaml | kubectl apply -f -`,
    )
    terminal.line()
    await this.#runs(version)
  }

  async switches(version: string): Promise<void> {
    const { terminal } = this.#parts
    const before = await this.#sides.read()
    terminal.line()
    await this.#move(version)
    const { seen } = await this.#runs(version)
    const live = seen.map((state) => state.live)
    const at = live.findIndex((color) => color !== before.live)
    const switches = live.filter((color, index) => index > 0 && color !== live[index - 1])
    assert.equal(switches.length, 1, 'the Service is switched once')
    const atSwitch = seen[at] as SidesState
    const ready = atSwitch.pods[atSwitch.live].filter((pod) => pod.ready).length
    const wanted = before.pods[before.live].length
    assert.ok(ready >= wanted, `${ready} of ${wanted} pods ready at the switch`)
    terminal.done(
      `one change of the Service has led all users from ${before.live} to ${atSwitch.live}, whose ${ready} pods were ready`,
    )
  }

  /** A version whose check fails: users never meet it. */
  async refuses(version: string): Promise<void> {
    const { environment, terminal } = this.#parts
    terminal.chapter('8. A version that fails its check')
    const verify = [{ kind: 'Command', name: 'self-test', command: ['/web', '--self-test'] }]
    const patch = JSON.stringify({ spec: { container: { verify } } })
    await environment.shell.show(`kubectl patch cv web -n ${namespace} --type=merge -p '${patch}'`)
    const before = await this.#sides.read()
    terminal.line()
    const digest = await this.#move(version)
    const rolledBack = ({ status }: SidesState) => status.phase === 'RolledBack' && status.rollout === undefined
    const { last, seen } = await this.#watcher.watchUntil('the check to fail', rolledBack, environment.timeoutMs)
    assert.equal(last.status.quarantined?.[0]?.digest, digest, 'the failed digest is in quarantine')
    assert.deepEqual([...new Set(seen.map((state) => state.live))], [before.live], 'no switch')
    for (const { images } of seen) assert.deepEqual(images, before.images, 'no Deployment has had it')
    terminal.done(`${version} has failed its check: nothing was changed, and no user has met it`)
    await environment.shell.show(`cvmanager cv status web -n ${namespace}`)
  }

  async end(): Promise<void> {
    await this.#sides.close()
  }

  async #move(version: string): Promise<string> {
    const { digest } = await this.#ci.push(version)
    await this.#ci.moveTag(digest, tag)
    this.#parts.terminal.done(`CI moved the tag ${tag} to ${version}`)
    return digest
  }

  async #runs(version: string) {
    const holds = ({ status }: SidesState) => status.phase === 'UpToDate' && status.current?.version === version
    return this.#watcher.watchUntil(`users to have ${version}`, holds, this.#parts.environment.timeoutMs)
  }
}
