/**
 * The names in `registryKinds`, for `--provider` and its completion. They are repeated here because importing the registries
 * would slow down every `--help`. A test compares the two.
 */
export const providerNames = ['dockerhub', 'ghcr', 'quay', 'gar', 'acr', 'ecr', 'harbor', 'oci'] as const
