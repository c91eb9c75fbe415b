#!/usr/bin/env bash
# Installs Spin and a compiler for the models of the ring, and the real servers and clients that test/integration drives: Redis from Debian, Apache Kafka (KRaft) as jars
# from Maven Central, pyzmq in a Python environment of its own, promtool from Debian's prometheus. Made for a bare Debian machine as root; what is already there is left alone, so it may run any number of times.
set -euo pipefail

kafka_version=4.3.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/millrace
kafka_dir=$cache/kafka-$kafka_version
python_dir=$cache/python
promtool_dir=$cache/prometheus
export PATH=$PATH:/usr/sbin DEBIAN_FRONTEND=noninteractive

# A PACKAGE whose COMMAND is missing is asked for; one apt-get run serves them all.
wanted=()
want() { command -v "$1" >/dev/null || wanted+=("$2"); }
want redis-server redis-server
want spin spin
{ command -v gcc >/dev/null && [ -e /usr/include/stdio.h ]; } || wanted+=(gcc libc6-dev)
# The compiler too: what a test reads back is read by a small Java program.
want javac default-jdk-headless
[ -f "$kafka_dir/.complete" ] || want mvn maven
[ -f "$python_dir/.complete" ] || python3 -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)
if [ ${#wanted[@]} -gt 0 ]; then
  # An old package list names files that the mirror no longer has.
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi

if [ ! -f "$kafka_dir/.complete" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cat >"$work/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace.test</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
  mkdir -p "$kafka_dir"
  mvn -B -q -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$kafka_dir" >&2
  # Written last: a download that broke off is taken up again the next time.
  touch "$kafka_dir/.complete"
fi

# Taken out of its package: installed, it would start a server.
if ! command -v promtool >/dev/null && [ ! -f "$promtool_dir/.complete" ]; then
  work_promtool=$(mktemp -d)
  apt-get update -qq >/dev/null
  (cd "$work_promtool" && apt-get download -qq prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb .)
  mkdir -p "$promtool_dir"
  cp "$work_promtool/usr/bin/promtool" "$promtool_dir/"
  rm -rf "$work_promtool"
  touch "$promtool_dir/.complete"
fi

if [ ! -f "$python_dir/.complete" ]; then
  python3 -m venv "$python_dir"
  "$python_dir/bin/pip" install --quiet --disable-pip-version-check pyzmq numpy >&2
  touch "$python_dir/.complete"
fi
