const two = (number: number) => String(number).padStart(2, '0');

/** `23.11.2026 14:05`, in the person's own time zone: the form the shop uses in every language. */
export function formatMoment(iso: string): string {
  const at = new Date(iso);
  return `${formatDay(iso)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function formatDay(iso: string): string {
  const at = new Date(iso);
  return `${two(at.getDate())}.${two(at.getMonth() + 1)}.${at.getFullYear()}`;
}
