/** For tests: answers of AWS that make no sense, and near misses of those that do. */
import fc from 'fast-check'
import { anything, asJson, body, digests, type Malformed, sent } from '../testing/malformed-answers.fixture.ts'

const digest = fc.constantFrom(...digests, 'sha256:x', 7)
const exceptions = ['ImageNotFoundException', 'ImageAlreadyExistsException', 'AccessDeniedException', 'constructor', '']

const value = fc.oneof(
  anything,
  fc.array(
    fc.record(
      {
        imageDigest: digest,
        imageTags: fc.oneof(fc.constant(['env-prod', 'v1']), anything),
        imageTag: fc.constantFrom('env-prod', 7, '\n'),
        imagePushedAt: anything,
        imageManifest: fc.oneof(fc.constantFrom('{}', '[]', 7), body),
        imageManifestMediaType: fc.constantFrom('application/vnd.oci.image.index.v1+json', 7),
        imageId: anything,
        failureCode: fc.constantFrom('ImageNotFound', 'KmsError', 7),
      },
      { requiredKeys: [] },
    ),
  ),
)
const shaped = fc
  .record(
    {
      __type: fc.constantFrom(...exceptions),
      imageDetails: value,
      imageIds: value,
      images: value,
      failures: value,
      image: anything,
      nextToken: fc.constantFrom('x', 7, null),
      downloadUrl: fc.constantFrom(
        'OWN/layer',
        'file:///etc/passwd',
        'http://169.254.169.254/',
        '',
        7,
        'https://user:x@127.0.0.1:1/',
      ),
    },
    { requiredKeys: [] },
  )
  .map(asJson)

/** As the token service of a role answers, well or not (AWS STS API reference, AssumeRoleWithWebIdentity). */
const ofSts = fc.constantFrom(
  '<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
  '<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A',
  '<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>',
  '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
)

/** With few of 5xx, and none of 429: the SDK waits before its second try. */
export const awsAnswer: fc.Arbitrary<Malformed> = fc.record({
  status: fc.oneof(
    { arbitrary: fc.constant(200), weight: 20 },
    { arbitrary: fc.constantFrom(204, 301, 400, 400, 403, 404, 418), weight: 20 },
    fc.constantFrom(500, 503),
  ),
  headers: fc.constantFrom({ 'content-type': 'application/x-amz-json-1.1' }, { 'content-type': 'text/xml' }, {}),
  body: fc.oneof({ arbitrary: shaped, weight: 3 }, body, ofSts),
  sent,
})
