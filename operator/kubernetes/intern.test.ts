import { test } from 'tap'
import { intern } from './intern.ts'

test('a cached object cannot be changed, at any depth', async (t) => {
  const kept = intern({ labels: { app: 'web' }, containers: [{ name: 'app' }] })
  t.throws(() => Object.assign(kept.labels, { app: 'other' }), TypeError)
  t.throws(() => kept.containers.push({ name: 'more' }), TypeError)
})

test('values stay the same', async (t) => {
  const value = {
    text: 'web',
    long: 'x'.repeat(1000),
    number: 1,
    yes: true,
    none: null,
    missing: undefined,
    list: ['a', 2],
  }
  t.same(intern(structuredClone(value)), value)
})

test('an object that is frozen already is left alone', async (t) => {
  const nothing = Object.freeze({})
  t.equal(intern({ labels: nothing }).labels, nothing)
})

test('more different strings than the cache holds do no harm', async (t) => {
  const names = Array.from({ length: 20_000 }, (_, index) => `web-${index}`)
  t.same(
    names.map((name) => intern({ name }).name),
    names,
  )
})
