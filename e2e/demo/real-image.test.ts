import { execFileSync } from 'node:child_process'
import t from 'tap'
import { tar } from './real-image.ts'

t.test('tar reads the archive of one program', async (t) => {
  const content = Buffer.from('#!/bin/sh\n'.repeat(100))
  const archive = tar('web', content)
  t.match(execFileSync('tar', ['-tvf', '-'], { input: archive }).toString(), /^-rwxr-xr-x .* 1000 .* web\n$/)
  t.equal(execFileSync('tar', ['-xOf', '-', 'web'], { input: archive }).toString(), content.toString())
})
