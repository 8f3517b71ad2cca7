/** A digest without another name: what people are told about it. */
import { defaultVersionSyntax } from '../../api/names.ts'
import { shortDigest } from '../../images/digest.ts'
import type { Version } from '../target.ts'
import type { OtherTags } from './other-tags.ts'
import type { VersionQuery } from './version.ts'

/** What a search has read. */
export interface Searched {
  /** The tags that versionSyntax does not match: those on the image, or else those of the whole repository. */
  readonly others: OtherTags
  readonly areOnImage: boolean
  /** How many tags match, none of which is on the image. */
  readonly matching: number
  /** More tags match than were searched. */
  readonly isUnfinished: boolean
}

export function nameless({ digest, tag, versionSyntax }: VersionQuery, searched: Searched): Version {
  const { others, areOnImage, matching, isUnfinished } = searched
  const syntax = `versionSyntax ${versionSyntax}${versionSyntax === defaultVersionSyntax ? ', the default' : ''}`
  const found =
    matching > 0
      ? `${matching} ${matching === 1 ? 'tag matches' : 'tags match'} ${syntax}, and none ${isUnfinished ? 'that was searched ' : ''}is on the image`
      : `no ${areOnImage ? 'tag on the image' : 'tag of the repository'} matches ${syntax}`
  const there = others.listed(tag) || `no tag${tag === '' ? '' : ` but ${tag}`}`
  const suggestion = others.suggestion(tag)
  const advice =
    suggestion === undefined
      ? 'Give each image a tag that it matches, or the label org.opencontainers.image.version.'
      : `To name versions by such tags, write versionSyntax: '${suggestion}'.`
  const holder = areOnImage || matching === 0 ? 'it has' : 'the repository also has'
  return { digest, name: shortDigest(digest), source: 'digest', hint: `${found}; ${holder} ${there}. ${advice}` }
}
