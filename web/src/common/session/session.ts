import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { Refused } from '../api/problem';
import type { Role, SessionView } from '../api/schema';

export const SESSION = ['session'] as const;

/** Who is signed in; null for nobody. */
export function useSession() {
  return useQuery({ queryKey: SESSION, queryFn: whoAmI });
}

async function whoAmI(): Promise<SessionView | null> {
  try {
    return await answerOf(api.GET('/api/session'));
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 401) return null;
    throw error;
  }
}

export function isStaff(role: Role): boolean {
  return role !== 'customer';
}

export function movesMoney(role: Role): boolean {
  return role === 'financier' || role === 'admin';
}
