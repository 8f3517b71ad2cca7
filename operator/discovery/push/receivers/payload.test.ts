import t from 'tap'
import { parseEcrEvent } from '../ecr-event.ts'
import { pushedPlace } from './distribution.ts'
import { harbor } from './harbor.ts'
import { placeOf, placeOfImage } from './payload.ts'

const digest = `sha256:${'6'.repeat(64)}`
const head = { header: () => undefined, query: new URLSearchParams() }
const repository = { host: 'registry.example.com', path: 'shop/web' }
const place = { repository, tag: 'env-prod' }

t.test('the digest that a payload claims goes with its tag, if it is one', async (t) => {
  t.same(placeOf('registry.example.com/shop/web', 'env-prod', digest), { ...place, digest })
  for (const none of ['', 'sha256:', 'sha256:6', `${digest}6`, 'v1']) {
    t.same(placeOf('registry.example.com/shop/web', 'env-prod', none), place, none)
    t.same(placeOfImage('registry.example.com/shop/web:env-prod', none), place, none)
  }
  t.same(placeOf('registry.example.com/shop/web', undefined, digest), { repository }, 'of any tag it says nothing')
  t.same(placeOfImage(`registry.example.com/shop/web:env-prod@${digest}`), { ...place, digest })
})

t.test('it is read where each registry says it', async (t) => {
  const target = { repository: 'shop/web', tag: 'env-prod', digest }
  t.same(pushedPlace({ action: 'push', target, request: { host: repository.host } }, head), { ...place, digest })

  const resources = [{ resource_url: 'registry.example.com/shop/web:env-prod', digest }]
  const { read } = harbor.make('a-secret-of-this-test', {} as never)
  t.match(read({ type: 'PUSH_ARTIFACT', event_data: { resources } }, head).places, [{ ...place, digest }])

  const detail = {
    'action-type': 'PUSH',
    result: 'SUCCESS',
    'repository-name': 'shop/web',
    'image-tag': 'env-prod',
    'image-digest': digest,
  }
  const event = { source: 'aws.ecr', 'detail-type': 'ECR Image Action', account: '123456789012', region: 'eu-west-1' }
  t.match(parseEcrEvent(JSON.stringify({ ...event, detail })), { is: 'push', places: [{ tag: 'env-prod', digest }] })
})
