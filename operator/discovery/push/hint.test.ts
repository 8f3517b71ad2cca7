import t from 'tap'
import { hintOf, hintOfImage } from './hint.ts'

const digest = `sha256:${'6'.repeat(64)}`
const repository = { host: 'registry.example.com', path: 'shop/web' }

t.test('a hint has the repository and the tag, and nothing else that a payload says', async (t) => {
  t.same(hintOf('registry.example.com/shop/web', 'env-prod'), { repository, tag: 'env-prod' })
  t.same(hintOf('registry.example.com/shop/web'), { repository })
  t.same(hintOfImage(`registry.example.com/shop/web:env-prod@${digest}`), { repository, tag: 'env-prod' })
  t.same(hintOfImage('registry.example.com/shop/web'), { repository })
})

t.test('what names no repository, or moves no tag, is no hint', async (t) => {
  t.equal(hintOfImage(`registry.example.com/shop/web@${digest}`), undefined)
  t.equal(hintOfImage(''), undefined)
  t.equal(hintOf('registry.example.com/Shop', 'env-prod'), undefined)
  for (const name of ['registry.example.com/shop/web:env-prod', `registry.example.com/shop/web@${digest}`]) {
    t.equal(hintOf(name), undefined, name)
    t.equal(hintOf(name, 'other'), undefined, name)
  }
  for (const tag of ['', 'a b', 'a/b', '-x', 'x'.repeat(129)]) t.equal(hintOf('x.example.com/a', tag), undefined, tag)
})
