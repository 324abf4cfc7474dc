import { Button, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { $api, answerOf, api } from '../../common/api/client';
import type { ItemView, OrderPage } from '../../common/api/schema';
import { ProblemNote } from '../../common/ui/ProblemNote';

/** The item became dearer: it goes on when I agree. */
export function AcceptPrice({ page, item }: { page: OrderPage; item: ItemView }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const accepting = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/portal/orders/{number}/items/{line}/acceptance', {
          params: { path: { number: page.number, line: item.line } },
        }),
      ),
    onSuccess(accepted) {
      const params = { path: { number: page.number } };
      client.setQueryData($api.queryOptions('get', '/api/portal/orders/{number}', { params }).queryKey, accepted);
    },
  });
  return (
    <Stack gap="xs" align="flex-end">
      <Button size="compact-sm" loading={accepting.isPending} onClick={() => accepting.mutate()}>
        {t('item.accept_price')}
      </Button>
      {accepting.error && <ProblemNote error={accepting.error} />}
    </Stack>
  );
}
