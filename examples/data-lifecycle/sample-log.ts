/** The log of one tour of a refrigerated van, made up but repeatable: `npx tsx sample-log.ts > van-7.csv`. */

const sensors = ['van-7-front', 'van-7-door', 'van-7-rear', 'van-7-box'];
const secondsBetween = 30;

/** Four loggers over ten hours. The door stands open for a while at noon, and the logger in the box falls silent once.
 * @param date The day of the tour, `YYYY-MM-DD`. */
export function sampleLog(date = '2026-01-01'): string {
  const startMs = Date.parse(`${date}T07:00:00Z`);
  const lines = ['time,sensor,celsius'];
  for (let second = 0; second < 10 * 3600; second += secondsBetween) {
    const time = new Date(startMs + second * 1000).toISOString().replace('.000Z', 'Z');
    for (const [index, sensor] of sensors.entries()) {
      const isSilent = sensor === 'van-7-box' && second >= 8 * 3600 && second < 8.4 * 3600;
      if (!isSilent) lines.push(`${time},${sensor},${celsius(index, second).toFixed(2)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function celsius(index: number, second: number): number {
  const compressor = Math.sin((second + index * 400) / 900);
  const sinceOpenMinutes = second / 60 - 300;
  const isDoor = index === 1;
  const openDoor = sinceOpenMinutes > 0 && sinceOpenMinutes < 90 ? Math.sin((sinceOpenMinutes / 90) * Math.PI) : 0;
  return 4.6 + index * 0.2 + compressor * 0.9 + openDoor * (isDoor ? 6.5 : 0.8);
}

if (require.main === module) process.stdout.write(sampleLog());
