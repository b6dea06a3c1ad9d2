// MountRequest: one mount that a command line requests, checked: source, mount point and the library's options.
import type { Mount, MountOptions, OpenImageOptions } from '../../mount/mount.ts';
import type { MountDraft } from './mount-draft.ts';
import type { RestartRule } from '../../mount/keeper/keeper.ts';
import { settleOwners } from './owner-options.ts';
import { DEFAULT_RESTART } from './restart-option.ts';
import { settleUpper } from './upper-options.ts';

/** SOURCE, or the value of `lowerdir=` with its backslash escapes. */
export interface MountSource {
  readonly kind: 'image' | 'lowerdir';
  readonly text: string;
}

export interface MountRequest {
  readonly source: MountSource;
  /** As the user typed it. */
  readonly mountpoint: string;
  readonly options: MountOptions & OpenImageOptions;
  /** When another daemon goes on with a mount in the background; 'off': never. */
  readonly restart: RestartRule | 'off';
}

/** The line that says that `mount` answers. */
export type Announce = (mount: Mount) => string;

/** Checks all options together. `source` is unused with lowerdir=. Throws UsageError for a contradiction. */
export function completeRequest(draft: MountDraft, source: string, mountpoint: string): MountRequest {
  const { lowerdir } = draft;
  return {
    source: lowerdir === undefined ? { kind: 'image', text: source } : { kind: 'lowerdir', text: lowerdir },
    mountpoint,
    restart: draft.restart ?? DEFAULT_RESTART,
    options: { ...draft.options, upper: settleUpper(draft), ownerKeeping: settleOwners(draft) },
  };
}

/** "app.tar mounted on /mnt.", as mount(8) prints it with -v; with the option driver=auto, also which driver was taken. */
export function describeMounted(
  { source, mountpoint, options }: MountRequest,
  mount?: Pick<Mount, 'driver'>,
): string {
  const shown = source.kind === 'image' ? source.text : (options.fsname ?? source.text);
  const text = `${shown} mounted on ${mountpoint}.`;
  if (options.driver !== 'auto' || mount === undefined) return text;
  const { name, reason } = mount.driver;
  return `${text} Driver: ${name}${reason === undefined ? '' : `, because ${reason}`}.`;
}
