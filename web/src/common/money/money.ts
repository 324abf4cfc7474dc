/** Money is an integer of minor units (`amount_minor`) in a currency; here it is shown and read, by text alone. */

// One is dear to make (20 µs), and an order of 600 items shows 1,200 amounts.
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string, locale: string): Intl.NumberFormat {
  const name = `${currency} ${locale}`;
  const format =
    formats.get(name) ??
    new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  formats.set(name, format);
  return format;
}

export function minorDigits(currency: string): number {
  return formatOf(currency, 'en').resolvedOptions().maximumFractionDigits ?? 2;
}

/** `-1234` of USD is the decimal text `-12.34`. */
export function toDecimal(minor: number, currency: string): `${number}` {
  const digits = minorDigits(currency);
  const text = String(Math.abs(minor)).padStart(digits + 1, '0');
  const cut = text.length - digits;
  const decimal = digits ? `${text.slice(0, cut)}.${text.slice(cut)}` : text;
  return `${minor < 0 ? '-' : ''}${decimal}` as `${number}`;
}

/** In the locale's form: `$1,234.50`, `1 234,50 $`. Intl takes decimal text, so no float is ever made of it. */
export function formatMoney(minor: number, currency: string, locale: string): string {
  return formatOf(currency, locale).format(toDecimal(minor, currency));
}

/** As a person would type it into a field, in their locale. */
export function toTyped(minor: number, currency: string, locale: string): string {
  return toDecimal(minor, currency).replace('.', decimalMark(locale));
}

function decimalMark(locale: string): string {
  return new Intl.NumberFormat(locale).formatToParts(1.5).find((part) => part.type === 'decimal')?.value ?? '.';
}

/**
 * Minor units of an amount as typed, or null if it is none: `1 234,5`, `1,234.50`, `1234`.
 *
 * Either mark is understood as the decimal one, as long as it can't be meant to group thousands.
 */
export function parseMoney(typed: string, currency: string, locale: string): number | null {
  const digits = minorDigits(currency);
  const text = typed.replace(/[\s'’]/gu, '');
  if (!/^\d[\d.,]*$/.test(text)) return null;
  const [whole, fraction] = split(text, decimalMark(locale));
  const grouped = /^\d{1,3}(?:([.,])\d{3}(?:\1\d{3})*)?$/.test(whole) || /^\d+$/.test(whole);
  if (!grouped || fraction.length > digits || !/^\d*$/.test(fraction)) return null;
  const minor = BigInt(whole.replace(/[.,]/g, '') + fraction.padEnd(digits, '0'));
  return minor <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(minor) : null;
}

function split(text: string, mark: string): [whole: string, fraction: string] {
  const last = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','));
  if (last < 0) return [text, ''];
  const sameBefore = text.slice(0, last).includes(text[last] as string);
  const groups = text[last] !== mark && text.length - last - 1 === 3;
  return sameBefore || groups ? [text, ''] : [text.slice(0, last), text.slice(last + 1)];
}
