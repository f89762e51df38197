/**
 * Which models differ from the best by more than chance: the same tests as the service's ranks, for rates that
 * the document has no ranks of. See docs/adr/0007.
 */
export type Shares = readonly (number | null)[];

const ALPHA = 0.05;
const ROUNDING = 1e-9;

/** Each model's rank, 1 + the number of models in better groups. `shares` has a row a model, best first. */
export function competitionRanks(shares: readonly Shares[]): number[] {
  const ranks: number[] = [];
  while (ranks.length < shares.length) {
    const rank = ranks.length + 1;
    ranks.push(...Array<number>(leaders(shares.slice(ranks.length))).fill(rank));
  }
  return ranks;
}

/** How many models, from the first on, cannot be told apart from the first. */
export function leaders(shares: readonly Shares[]): number {
  const paired = shares.map((row) => signFlipPValue(differences(shares[0]!, row)));
  const tied = upToLastAbove(paired);
  return upToLastAbove([...Array<number>(tied).fill(1), ...spreadPValues(deviations(shares), tied)]);
}

function signFlipPValue(values: readonly number[]): number {
  const sums = signedSums(values);
  const least = Math.abs(sums[0]!) - ROUNDING;
  return sums.filter((sum) => Math.abs(sum) >= least).length / sums.length;
}

function spreadPValues(rows: readonly number[][], tied: number): number[] {
  const flipped = rows.map(signedSums);
  const first = flipped.slice(0, tied);
  const patterns = flipped[0]!.map((_, index) => first.map((sums) => sums[index]!));
  const highest = patterns.map((values) => Math.max(...values));
  const lowest = patterns.map((values) => Math.min(...values));
  return flipped.slice(tied).map((own) => {
    const behind = flipped[0]![0]! - own[0]! - ROUNDING;
    const far = own.filter(
      (value, index) => Math.max(highest[index]!, value) - Math.min(lowest[index]!, value) >= behind,
    );
    return far.length / own.length;
  });
}

function differences(one: Shares, other: Shares): number[] {
  return one.flatMap((mine, index) => {
    const theirs = other[index];
    return mine === null || theirs == null ? [] : [mine - theirs];
  });
}

/** Each model's shares less the image's mean over models, over the model's number of images. */
function deviations(shares: readonly Shares[]): number[][] {
  const means = shares[0]!.map((_, image) => {
    const known = shares.map((row) => row[image]).filter((share) => share != null);
    return known.length ? known.reduce((sum, share) => sum + share, 0) / known.length : 0;
  });
  return shares.map((row) => {
    const count = Math.max(1, row.filter((share) => share !== null).length);
    return row.map((share, image) => (share === null ? 0 : (share - means[image]!) / count));
  });
}

/** The sums of the values under every pattern of signs, up to a common one; first as they are. */
function signedSums(values: readonly number[]): number[] {
  let sums = [values[0] ?? 0];
  for (const value of values.slice(1)) {
    sums = [...sums.map((sum) => sum + value), ...sums.map((sum) => sum - value)];
  }
  return sums;
}

const upToLastAbove = (pValues: readonly number[]): number =>
  pValues.findLastIndex((pValue) => pValue > ALPHA) + 1;
