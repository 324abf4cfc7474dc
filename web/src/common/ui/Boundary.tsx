import { Container } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { ProblemNote } from './ProblemNote';

/** A bug of ours costs its page, and says so. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Container py="xl" size="sm">
        <ProblemNote error={this.state.error} retry={() => location.reload()} />
      </Container>
    );
  }
}
