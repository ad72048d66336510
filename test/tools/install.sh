#!/usr/bin/env bash
# Makes the real programs that the interoperability tests talk to available from Debian's newer suites,
# beside the system: nothing is installed, no apt or dpkg state of the machine is touched, root is not needed.
# Prints one line per tool: `name version path`, or `name MISSING reason`. A second run finds all there and is done.
set -euo pipefail

TOOLS=(oras crane cosign notation skopeo umoci podman containerd ctr docker-registry)
SUITES=${OCILOT_TOOLS_SUITES:-trixie forky sid} # per package, apt takes the newest that any of them has
HELPERS=(runc crun conmon netavark) # what podman and containerd start themselves

dir=${OCILOT_TOOLS:-${HOME:?}/.cache/ocilot-tools}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
work=$dir/apt-private # sources, lists, downloads: gone when all went well
root=$dir/unpacked    # what `dpkg-deb -x` put there
conf=$dir/config      # containers configuration
stamp=$dir/installed  # the key, then the lines that were printed
log=$dir/install.log  # apt's own words stay here: they name the machine's mirror

package_of() { case $1 in ctr) echo containerd ;; *) echo "$1" ;; esac; }

# One at a time (test runners start several), then: is everything there already, from this very script?
if command -v flock >/dev/null; then exec 9>"$dir/.lock" && flock 9; fi
key="$dir $SUITES $(cksum <"${BASH_SOURCE[0]}")"
if [ -f "$stamp" ] && { read -r was; mapfile -t lines; } <"$stamp" && [ "$was" = "$key" ]; then
  here=1
  for line in "${lines[@]}"; do [ -x "${line#* * }" ] && [ -x "$root/usr/bin/${line%% *}" ] || here=0; done
  if [ $here = 1 ]; then printf '%s\n' "${lines[@]}"; exit 0; fi
fi
rm -rf "$stamp" "$work" "$root" "$conf"
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,sources,debs} "$root" "$conf/home/.config/containers" "$dir/bin"
: >"$log"

# ---- the private apt ----------------------------------------------------------------------------------------

# Copies the machine's own source for Debian's main archive (URI, signed-by, options: mirrors and proxies differ
# from machine to machine) and changes only the suite. Security and updates suites have hyphens, third parties
# other suites or components, so: an exact suite name, and the component main.
private_sources() {
  local names="^(${VERSION_CODENAME:-stable}|bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)$" file
  for file in /etc/apt/sources.list.d/*.sources; do # deb822: stanzas
    [ -r "$file" ] || continue
    { grep -v '^#' "$file" || true; } | awk -v RS= -v suites="$SUITES" -v names="$names" '{
      n = split($0, line, "\n"); out = ""; deb = suite = main = 0; on = 1
      for (i = 1; i <= n; i++) {
        key = tolower(line[i]); sub(/:.*/, "", key); v = line[i]; sub(/^[^:]*:/, "", v)
        m = split(v, word, " ")
        for (j = 1; j <= m; j++) {
          if (key == "types" && word[j] == "deb") deb = 1
          if (key == "suites" && word[j] ~ names) suite = 1
          if (key == "components" && word[j] == "main") main = 1
        }
        if (key == "enabled" && v ~ /no|false/) on = 0
        if (key == "types") line[i] = "Types: deb"
        if (key == "suites") line[i] = "Suites: " suites
        if (key == "components") line[i] = "Components: main"
        out = out line[i] "\n"
      }
      if (deb && suite && main && on) { print out; exit }
    }' >"$work/sources/debian.sources"
    if [ -s "$work/sources/debian.sources" ]; then return 0; fi
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do # one-line: deb [options] uri suite components
    [ -r "$file" ] || continue
    awk -v suites="$SUITES" -v names="$names" '$1 == "deb" && /[ \t]main([ \t]|$)/ {
      head = $0; sub(/^[ \t]*deb[ \t]+/, "", head); opts = ""
      if (match(head, /^\[[^]]*\][ \t]*/)) { opts = substr(head, 1, RLENGTH); head = substr(head, RLENGTH + 1) }
      split(head, word, " ")
      if (word[2] !~ names) next
      n = split(suites, s, " ")
      for (i = 1; i <= n; i++) print "deb " opts word[1] " " s[i] " main"
      exit
    }' "$file" >"$work/sources/debian.list"
    if [ -s "$work/sources/debian.list" ]; then return 0; fi
  done
  return 1
}

# A file given with -c is read after the machine's configuration: proxies and keys stay, the rest is ours.
# - status is empty: apt then resolves the whole set of libraries down to libc, and never mixes in the system's.
# - the hooks that images and desktops add to `update` would write outside of this directory.
# - the sandbox user could not read a directory below a home anyway.
cat >"$work/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Sandbox::User "root";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Log "$work";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
: >"$work/status"
apt() { "apt-$1" -c "$work/apt.conf" "${@:2}" 2>>"$log"; }

# Downloads and unpacks the packages named; one that cannot be had is left out (the final check tells).
unpack() {
  local deb
  (cd "$work/debs" && apt get -qq download "$@") >>"$log" || true
  for deb in "$work"/debs/*.deb; do
    [ -e "$deb" ] || continue
    dpkg-deb -x "$deb" "$root"
    echo "$(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)" >>"$work/versions"
    rm "$deb"
  done
}

# Only names that have a candidate: one unknown name makes apt refuse the whole list.
candidates() { apt cache policy "$@" | awk '/^[^ ]/ { name = $1; sub(/:$/, "", name) } /Candidate:/ && $2 != "(none)" { print name }'; }

programs() { find "$root" -type f -perm -100 \( -path '*/bin/*' -o -path '*/sbin/*' -o -path '*/podman/*' \); }
lacks_libraries() { ldd "$1" 2>&1 | grep -q 'not found'; }

trouble=
VERSION_CODENAME=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}" || true)
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  trouble='no apt on this machine'
elif ! private_sources; then
  trouble='no apt source for Debian on this machine'
else
  apt get -qq update >>"$log" || true # a suite that the mirror lacks is no reason to stop
  mapfile -t want < <(candidates "${TOOLS[@]/#ctr/containerd}" "${HELPERS[@]}" | sort -u)
  if [ ${#want[@]} = 0 ]; then trouble="package lists not available, see $(basename "$log")"; else unpack "${want[@]}"; fi
fi

# ---- newer libraries, for the programs that need them ---------------------------------------------------------

# Most are happy with an old libc. For the others: unpack the libraries beside, and write their path and that of
# the newer loader into the program itself. LD_LIBRARY_PATH would leak into every program they start, and starting
# them through ld.so breaks /proc/self/exe, which podman and skopeo run again to unpack layers.
old=()
if [ -z "$trouble" ]; then mapfile -t old < <(programs | while read -r p; do if lacks_libraries "$p"; then echo "$p"; fi; done); fi
if [ ${#old[@]} != 0 ]; then
  mapfile -t libs < <(apt get -s --no-install-recommends install patchelf "${want[@]}" |
    awk '$1 == "Inst" && ($2 ~ /^lib/ || $2 == "zlib1g" || $2 == "patchelf") { print $2 }')
  if [ ${#libs[@]} != 0 ]; then unpack "${libs[@]}"; fi
  path=$(find "$root/lib" "$root/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu*' 2>/dev/null | paste -sd:) || true
  loader=$(find "$root" -type f -name 'ld-linux*.so.*' | head -n 1)
  patch() { "$loader" --library-path "$path" "$root/usr/bin/patchelf" "$@" 2>>"$log" || true; } # it needs them too
  for p in "${old[@]}"; do
    # In this order, and not in one go: patchelf 0.18 else lays two segments over one page, and Go programs crash.
    patch --force-rpath --set-rpath "$path" "$p"
    patch --set-interpreter "$loader" "$p"
  done
fi

# ---- configuration and wrappers -------------------------------------------------------------------------------

# Minimal, and nothing outside of this directory: local layouts and archives need no signature and no registry.
policy=$conf/home/.config/containers/policy.json # podman has no option for it, it looks below HOME
echo '{ "default": [{ "type": "insecureAcceptAnything" }] }' >"$policy"
echo 'unqualified-search-registries = []' >"$conf/registries.conf"
cat >"$conf/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$dir/podman/storage"
runroot = "$dir/podman/run"
CONF
cat >"$conf/containers.conf" <<CONF
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "none"
conmon_path = ["$root/usr/bin/conmon"]
helper_binaries_dir = ["$root/usr/lib/podman", "$root/usr/libexec/podman"]
lock_type = "file"
tmp_dir = "$dir/podman/tmp"
[engine.runtimes]
crun = ["$root/usr/bin/crun"]
runc = ["$root/usr/sbin/runc", "$root/usr/bin/runc"]
CONF

wrapper() { # the wrapper of tool $1 for the program $2
  local containers="export CONTAINERS_REGISTRIES_CONF=\${CONTAINERS_REGISTRIES_CONF-'$conf/registries.conf'}
export CONTAINERS_STORAGE_CONF=\${CONTAINERS_STORAGE_CONF-'$conf/storage.conf'}"
  echo '#!/bin/sh'
  echo "# Written by test/tools/install.sh."
  case $1 in
    skopeo) echo "$containers"; echo "exec '$2' --policy '$policy' \"\$@\"" ;;
    podman)
      echo "$containers"
      echo "export PODMAN_IGNORE_CGROUPSV1_WARNING=1"
      echo "export CONTAINERS_CONF=\${CONTAINERS_CONF-'$conf/containers.conf'}"
      echo "if ! [ -e /etc/containers/policy.json ] && ! [ -e \"\$HOME/.config/containers/policy.json\" ]; then export HOME='$conf/home'; fi"
      echo "exec '$2' \"\$@\"" ;;
    containerd) # finds its shim and runc on the PATH
      echo "export PATH='$root/usr/bin:$root/usr/sbin':\"\$PATH\""
      echo "exec '$2' \"\$@\"" ;;
    *) echo "exec '$2' \"\$@\"" ;;
  esac
}

# Starts the tool once, so that what is reported as there does run.
starts() {
  case $1 in
    oras | crane | cosign | notation) "$dir/bin/$1" version ;;
    *) "$dir/bin/$1" --version ;;
  esac
}

lines=()
missing=0
for tool in "${TOOLS[@]}"; do
  program=$root/usr/bin/$tool
  version=$(awk -v p="$(package_of "$tool")" '$1 == p { print $2 }' "$work/versions" 2>/dev/null || true)
  rm -f "$dir/bin/$tool"
  if [ -n "$trouble" ]; then why=$trouble
  elif ! [ -x "$program" ]; then why="no package that could be had in $SUITES, see $(basename "$log")"
  else
    wrapper "$tool" "$program" >"$dir/bin/$tool"
    chmod +x "$dir/bin/$tool"
    if starts "$tool" </dev/null >>"$log" 2>&1; then lines+=("$tool ${version%-*} $dir/bin/$tool"); continue; fi
    why="does not start here, see $(basename "$log")"
    rm -f "$dir/bin/$tool"
  fi
  lines+=("$tool MISSING $why")
  missing=$((missing + 1))
done

if [ $missing = 0 ]; then
  printf '%s\n' "$key" "${lines[@]}" >"$stamp"
  rm -rf "$work"
fi
printf '%s\n' "${lines[@]}"
if [ $missing != 0 ]; then
  echo "$missing of ${#TOOLS[@]} tools are missing: the tests that need them are skipped" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
fi
