/** Runs hostile uploads through every layer between an announcement and a manifest, and counts what became of them. */
import fc from 'fast-check';
import { commonErrors } from '../../tasks/task-error';
import type { ObjectReference } from '../../tasks';
import { checkKey, checkObject, validationRules } from '../../tasks/validation-rules';
import { BashLayer } from './bash-layer';
import { ClaimLayer } from './claim-layer';
import { checkMetadata } from './metadata-layer';
import {
  checkCopySource,
  checkLog,
  checkManifestText,
  checkPath,
  checkRejection,
  checkTerminal,
  manifestLine,
} from './text-layers';
import { anyUpload, fixedUploads, type Upload } from './uploads';

/** What became of the uploads: every one is either processed or refused. */
export interface CampaignFigures {
  readonly uploads: number;
  /** Went through bash and came back byte for byte. */
  readonly processed: number;
  /** Of those, the ones that also ran a command on the way and wrote a manifest, in processes of their own. */
  readonly processedWhole: number;
  /** Refused by the claim, with its text. */
  readonly refusedByClaim: number;
  /** Rejected by validation, with a code. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Different update expressions that the claim made: four, one for each combination of version and upload. */
  readonly updateExpressions: number;
}

/** Runs the fixed uploads and that many drawn ones.
 * @throws Error for the first upload that is evaluated, changed or lost, with the upload */
export async function runCampaign({
  runs,
  seed,
  wholeEvery = 25,
  onProgress = () => undefined,
}: {
  readonly runs: number;
  readonly seed: number;
  /** One in so many runs a command and writes a manifest, too. */
  readonly wholeEvery?: number;
  readonly onProgress?: (count: number) => void;
}): Promise<CampaignFigures> {
  const campaign = new Campaign(new BashLayer(wholeEvery));
  for (const upload of fixedUploads) await campaign.take(upload);
  const batch = 1000;
  for (let done = 0; done < runs; done += batch) {
    const numRuns = Math.min(batch, runs - done);
    for (const upload of fc.sample(anyUpload, { numRuns, seed: seed + done })) await campaign.take(upload);
    onProgress(done + numRuns);
  }
  return campaign.finish();
}

/** The claim's own words, after the expression that Step Functions quotes. */
const clearRefusal =
  /D3137: (The input names no object of this workflow|A field of the input is not what it can be), at Claim object\n {2}got: [^\n]*\n {2}allowed: [^\n]*\n {2}fix: [^\n]*$/;

class Campaign {
  private readonly claims = new ClaimLayer();
  private readonly rules = validationRules.parse({});
  private readonly rejected: Record<string, number> = {};
  private uploads = 0;
  private refusedByClaim = 0;

  constructor(private readonly bash: BashLayer) {}

  async take(upload: Upload): Promise<void> {
    this.uploads++;
    try {
      await this.checkTexts(upload);
      await checkMetadata(upload);
      this.process(upload);
    } catch (cause) {
      throw new Error(`An upload got further than it should: ${JSON.stringify(upload)}`, { cause });
    }
  }

  finish(): CampaignFigures {
    this.bash.flush();
    const { uploads, refusedByClaim, rejected, bash, claims } = this;
    return {
      uploads,
      processed: bash.count,
      processedWhole: bash.wholeCount,
      refusedByClaim,
      rejected,
      updateExpressions: claims.updateExpressions.size,
    };
  }

  private async checkTexts({ key, contentType, versionId }: Upload): Promise<void> {
    await checkLog(key);
    checkTerminal(key);
    checkPath(key);
    checkManifestText(key);
    checkManifestText(manifestLine(key));
    checkManifestText(manifestLine('a') + manifestLine(key) + contentType);
    checkRejection(contentType);
    if (Buffer.from(key).toString() === key) checkCopySource(key, versionId && encodable(versionId));
  }

  private process(upload: Upload): void {
    const outcome = this.claims.take(upload);
    if ('refusal' in outcome) {
      if (!clearRefusal.test(outcome.refusal)) throw new Error(outcome.refusal);
      this.refusedByClaim++;
      return;
    }
    const { claim } = outcome;
    const head = { $metadata: {}, ContentLength: 1, ContentType: upload.contentType };
    const reasons = [...checkKey(claim.key), ...checkObject(claim.key, head, this.rules)];
    if (reasons.length > 0) {
      for (const { code, message, accepted } of reasons) {
        if (message === '' || accepted === undefined) throw new Error(`${commonErrors.invalidOutput}: no clear reason`);
        this.rejected[code] = (this.rejected[code] ?? 0) + 1;
      }
      return;
    }
    this.bash.take(describe(upload, claim.record));
  }
}

/** As validation describes an object: what S3 itself says of it can be no NUL and no half of a pair. */
function describe(upload: Upload, record: ObjectReference['record']): ObjectReference {
  return {
    bucket: 'inbox',
    key: upload.key,
    versionId: upload.versionId === undefined ? undefined : encodable(upload.versionId),
    etag: encodable(upload.etag),
    sizeBytes: 0,
    contentType: encodable(upload.contentType),
    lastModified: '2026-01-01T09:00:00.000Z',
    record,
    attempt: 1,
  };
}

function encodable(text: string): string {
  return Buffer.from(text.replaceAll('\0', '')).toString();
}
