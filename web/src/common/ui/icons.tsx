import type { ReactNode } from 'react';

interface Look {
  size?: number;
}

function Icon({ size = 18, children }: Look & { children: ReactNode }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.9"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export function GearIcon(props: Look) {
  return (
    <Icon {...props}>
      <circle cx="12" cy="12" r="3.2" />
      <path d="M19.4 13.5a7.6 7.6 0 0 0 0-3l2-1.5-2-3.4-2.3 1a7.6 7.6 0 0 0-2.6-1.5L14.2 2.6h-4l-.4 2.500a7.6 7.6 0 0 0-2.6 1.500l-2.3-1-2 3.4 2 1.500a7.6 7.6 0 0 0 0 3l-2 1.5 2 3.4 2.3-1a7.6 7.6 0 0 0 2.6 1.500l.4 2.500h4l.4-2.500a7.6 7.6 0 0 0 2.6-1.500l2.3 1 2-3.400z" />
    </Icon>
  );
}

export function ChatIcon(props: Look) {
  return (
    <Icon {...props}>
      <path d="M21 11.500a8 8 0 0 1-8 8H4l2.2-2.800A8 8 0 1 1 21 11.500z" />
    </Icon>
  );
}

export function DotsIcon(props: Look) {
  return (
    <Icon {...props}>
      <circle cx="5" cy="12" r="1" />
      <circle cx="12" cy="12" r="1" />
      <circle cx="19" cy="12" r="1" />
    </Icon>
  );
}

export function BackIcon(props: Look) {
  return (
    <Icon {...props}>
      <path d="M15 5l-7 7 7 7" />
    </Icon>
  );
}

export function SearchIcon(props: Look) {
  return (
    <Icon {...props}>
      <circle cx="11" cy="11" r="7" />
      <path d="M20 20l-4-4" />
    </Icon>
  );
}

export function PersonIcon(props: Look) {
  return (
    <Icon {...props}>
      <circle cx="12" cy="8" r="4" />
      <path d="M4 21a8 8 0 0 1 16 0" />
    </Icon>
  );
}

export function OfflineIcon(props: Look) {
  return (
    <Icon {...props}>
      <path d="M3 3l18 18M8.5 16.400a5 5 0 0 1 7 0M5 12.900a10 10 0 0 1 4.3-2.500M19 12.900a10 10 0 0 0-5.2-2.700M2 9.400a15 15 0 0 1 4-2.600M22 9.400A15 15 0 0 0 11 6" />
      <path d="M12 20h.01" />
    </Icon>
  );
}
