import { execFileSync } from 'node:child_process'
import t from 'tap'
import { UsageError } from '../../operator/errors.ts'
import { realImage, tar } from './real-image.ts'

t.test('tar reads the archive of one program', async (t) => {
  const content = Buffer.from('#!/bin/sh\n'.repeat(100))
  const archive = tar('web', content)
  t.match(execFileSync('tar', ['-tvf', '-'], { input: archive }).toString(), /^-rwxr-xr-x .* 1000 .* web\n$/)
  t.equal(execFileSync('tar', ['-xOf', '-', 'web'], { input: archive }).toString(), content.toString())
})

t.test('without Go, the demo says who needs it and where it is from', async (t) => {
  const { PATH } = process.env
  t.teardown(() => {
    process.env.PATH = PATH
  })
  process.env.PATH = t.testdir()
  const error = await realImage(['amd64']).catch((thrown: unknown) => thrown)
  t.ok(error instanceof UsageError)
  t.match(String(error), 'go is not on PATH, and the demo needs it to build an application for real nodes (https://')
})
