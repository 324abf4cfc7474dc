import { useLocale } from '../text/useLocale';
import { formatMoney } from './money';

/** Money as a person reads it. */
export function Amount({ minor, currency }: { minor: number; currency: string }) {
  return <span className="amount">{formatMoney(minor, currency, useLocale())}</span>;
}

export function useMoney(currency: string): (minor: number) => string {
  const locale = useLocale();
  return (minor) => formatMoney(minor, currency, locale);
}
