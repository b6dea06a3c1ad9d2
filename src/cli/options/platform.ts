// Parses the value of --platform: "linux/arm/v7".
import type { Platform } from '../../mount/mount.ts';

export function showPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
