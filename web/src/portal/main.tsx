import { showSite } from '../common/ui/Site';
import { App } from './App';

showSite(<App />);
