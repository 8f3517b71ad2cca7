import fc from 'fast-check'
import { test } from 'tap'
import { eventName } from './events.ts'

const web = { apiVersion: 'cvmanager.io/v1', kind: 'ContainerVersion', namespace: 'shop', name: 'web', uid: 'u-1' }
const event = { type: 'Normal', reason: 'RolloutStarted', message: '', id: 'sha256:1' } as const

test('an event has the same name as its repetition, and another name than any other event', async (t) => {
  t.equal(eventName(web, event), eventName({ ...web }, { ...event, message: 'written differently' }))
  const others = [
    eventName({ ...web, uid: 'u-2' }, event),
    eventName(web, { ...event, reason: 'RolloutFailed' }),
    eventName(web, { ...event, id: 'sha256:2' }),
  ]
  t.equal(new Set([eventName(web, event), ...others]).size, 4)
})

test('B43 the name of an event is valid for any name of the object', async () => {
  const objectName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,120}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,120}[a-z0-9])?)?$/)
  fc.assert(
    fc.property(objectName, fc.string(), (name, id) => {
      const made = eventName({ ...web, name }, { ...event, id })
      return made.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(made)
    }),
    {
      examples: [
        ['a'.repeat(253), ''],
        [`${'a'.repeat(235)}-.b`, ''],
      ],
    },
  )
})
