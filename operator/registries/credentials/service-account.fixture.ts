/** For tests: a service account as the API server would know it. */
import type { ServiceAccount } from './service-account.ts'

export interface TestAccount extends ServiceAccount {
  /** May be replaced. */
  written: Record<string, string>
  /** The audiences that tokens were requested for. */
  readonly audiences: string[]
}

export function testAccount(namespace: string, name: string, annotations: Record<string, string> = {}): TestAccount {
  const account: TestAccount = {
    namespace,
    name,
    written: annotations,
    audiences: [],
    annotations: () => Promise.resolve(account.written),
    token: (audience) => {
      account.audiences.push(audience)
      return Promise.resolve(`token-of-${namespace}-${name}`)
    },
  }
  return account
}
