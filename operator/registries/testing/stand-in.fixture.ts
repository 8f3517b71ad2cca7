/**
 * For tests: a stand-in for a public registry, in front of a real one. What is special to the public registry, such as its
 * token service, is written by hand from its documentation. Images, tags and rights are those of the real registry.
 */
import { Agent, type IncomingMessage, request as onwardRequest, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { Registry as Program } from '../../../e2e/harness/registry.ts'
import { type Peer, peer } from './peer.ts'

/** What a token request tells about its user. */
export interface TokenCaller {
  /** Of Basic authorization, `name:password`. */
  readonly login: string | undefined
  /** Of a POST. */
  readonly form: URLSearchParams
}

export interface TokenService {
  readonly path: string
  /** Its name in the challenge. */
  readonly service: string
  /** What the user may do in every repository; `undefined` to refuse. */
  admits(caller: TokenCaller): readonly string[] | undefined
  /** The answer with a token: each service has its own fields. */
  grant(token: string): object
  readonly refusal: StandInAnswer
}

export interface StandInAnswer {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface StandInRequest {
  readonly method: string
  readonly url: URL
  readonly authorization: string | undefined
  text(): Promise<string>
}

export interface Special {
  readonly tokens: TokenService
  /** `undefined` to forward to the real registry. */
  answers?(question: StandInRequest, program: Program): Promise<StandInAnswer | undefined> | StandInAnswer | undefined
}

/** To read only, and to do all that the tagging commands need. */
export const reading = ['pull'] as const
export const everything = ['pull', 'push', 'delete'] as const

/** @param program started with `auth: 'token'`: the stand-in gives out its tokens */
export async function standIn(t: Test, program: Program, special: Special): Promise<Peer> {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const server = await peer(t, (request, response) => {
    const { method = 'GET', headers } = request
    const url = new URL(request.url ?? '/', `http://${server.host}`)
    const question = { method, url, authorization: headers.authorization, text: () => text(request) }
    answerOf(question, program, special).then(
      (own) => (own ? reply(response, own) : forward(request, response, program, special.tokens, server.host, agent)),
      (error: Error) => reply(response, { status: 500, body: { message: error.message } }),
    )
  })
  return server
}

async function answerOf(
  question: StandInRequest,
  program: Program,
  special: Special,
): Promise<StandInAnswer | undefined> {
  const { tokens } = special
  if (question.url.pathname !== tokens.path) return await special.answers?.(question, program)
  const form = new URLSearchParams(question.method === 'POST' ? await question.text() : '')
  const given = question.method === 'POST' ? form : question.url.searchParams
  if (given.get('service') !== tokens.service) return { status: 400, body: { message: 'unknown service' } }
  const actions = tokens.admits({ login: loginOf(question.authorization), form })
  if (actions === undefined) return tokens.refusal
  // GET has a parameter for each scope, POST one with spaces between them (RFC 6749, 3.3).
  const scopes = given.getAll('scope').flatMap((scope) => scope.split(' '))
  return { status: 200, body: tokens.grant(program.tokens.issue(accessOf(scopes, actions), 'somebody')) }
}

/** `repository:shop/web:pull,push` */
function accessOf(scopes: readonly string[], allowed: readonly string[]) {
  return scopes.map((scope) => {
    const [type = '', name = '', actions = ''] = scope.split(':')
    return { type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) }
  })
}

function loginOf(authorization: string | undefined): string | undefined {
  const [scheme, value = ''] = authorization?.split(' ') ?? []
  return scheme === 'Basic' ? Buffer.from(value, 'base64').toString() : undefined
}

function reply(response: ServerResponse, { status, body, headers }: StandInAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  program: Program,
  { path, service }: TokenService,
  host: string,
  agent: Agent,
): void {
  const { connection: _, 'keep-alive': __, ...headers } = request.headers
  const target = { agent, headers, method: request.method, path: request.url }
  const onward = onwardRequest(`http://${program.host}`, target, (answer) => {
    const { connection: _, 'keep-alive': __, ...answered } = answer.headers
    const challenge = answered['www-authenticate']
      ?.replace(/realm="[^"]*"/, `realm="http://${host}${path}"`)
      .replace(/service="[^"]*"/, `service="${service}"`)
    const named = challenge === undefined ? answered : { ...answered, 'www-authenticate': challenge }
    response.writeHead(answer.statusCode ?? 502, named)
    answer.pipe(response)
  })
  onward.once('error', () => response.destroy())
  response.once('close', () => onward.destroy())
  request.pipe(onward)
}
