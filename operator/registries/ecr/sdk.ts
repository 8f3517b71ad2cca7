/**
 * What is used of the AWS SDK. It is loaded when ECR is asked for the first time: it costs 25 MB and a tenth of a second,
 * which those who use other registries do not pay.
 */
export {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  DescribeImagesCommand,
  ECRClient,
  GetDownloadUrlForLayerCommand,
  ListImagesCommand,
  PutImageCommand,
} from '@aws-sdk/client-ecr'
export {
  fromNodeProviderChain,
  fromTemporaryCredentials,
  fromTokenFile,
  fromWebToken,
} from '@aws-sdk/credential-providers'
