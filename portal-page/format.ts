/** Numbers and instants as the visitor's language writes them. */
import type { Language } from './language';

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** `1.4 MB`: powers of 1,024, as files are sized everywhere. */
export function formatBytes(bytes: number, language: Language): string {
  const index = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** index;
  const style = {
    style: 'unit',
    unit: units[index],
    unitDisplay: index === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && index > 0 ? 1 : 0,
  } as const;
  return new Intl.NumberFormat(language, style).format(value);
}

/** `22 Nov, 14:05` */
export function formatInstant(instant: string, language: Language): string {
  const style = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat(language, style).format(new Date(instant));
}
