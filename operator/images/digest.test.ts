import t from 'tap'
import { shortDigest } from './digest.ts'

t.test('a digest is twelve digits for people, and the name of a version stays whole', async (t) => {
  t.equal(shortDigest(`sha256:${'0123456789abcdef'.repeat(4)}`), 'sha256:0123456789ab')
  t.equal(shortDigest(`sha512:${'0123456789abcdef'.repeat(8)}`), 'sha512:0123456789ab')
  const image = `r.example.com:5000/shop/web:1@sha256:${'0123456789abcdef'.repeat(4)}`
  t.equal(shortDigest(`"${image}": not found`), '"r.example.com:5000/shop/web:1@sha256:0123456789ab": not found')
  for (const name of ['v1.1.0', '0123456789abcdef0123', 'sha256-0123', 'sha256:0123', ''])
    t.equal(shortDigest(name), name)
})
