#!/usr/bin/env bash
# Compile the TikZ source of a figure to PDF, and to PNG at 300 dpi, beside it; of a figure of several pages FIGURE.png is the
# first, FIGURE-2.png the second.
#
#   bash scripts/compile.sh FIGURE.tex [ENGINE]
#   PNG=no bash scripts/compile.sh FIGURE.tex     # the PDF only
#
# ENGINE is xelatex, pdflatex or lualatex; without it xelatex where it is installed, else pdflatex. Nothing in the source may
# start a program (shell escape is off) or read and write outside its folder. Needs Debian's texlive-xetex (or
# texlive-luatex), texlive-latex-extra and texlive-pictures; for the PNG pdftocairo of poppler-utils.
# Exit status: 0 done, 1 the source does not compile, 2 wrong usage, 4 no TeX (or no pdftocairo, the PDF is there).
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -f "$1" ]; then
  echo "usage: compile.sh FIGURE.tex [xelatex|lualatex|pdflatex]" >&2
  exit 2
fi
fonts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/archviz/figure/fonts
[ -d "$fonts" ] || fonts=$(python3 -c 'from archviz.figure.fonts import font_folder; print(font_folder())' 2>/dev/null || true)
folder=$(cd "$(dirname "$1")" && pwd)
name=$(basename "$1" .tex)

engine=${2:-}
if [ -z "$engine" ]; then
  engine=$(command -v xelatex >/dev/null && echo xelatex || echo pdflatex)
fi
case $engine in
  xelatex | lualatex | pdflatex) ;;
  *) echo "compile.sh: no such engine: $engine" >&2; exit 2 ;;
esac
if ! command -v "$engine" >/dev/null; then
  echo "compile.sh: $engine is not installed; on Debian: apt install texlive-xetex texlive-latex-extra texlive-pictures" >&2
  exit 4
fi

if [ "$engine" != pdflatex ] && [ -z "$fonts" ] && ! compgen -G "$folder/Inter*" >/dev/null &&
  ! { command -v fc-list >/dev/null && fc-list | grep -q Inter; }; then
  echo "compile.sh: the font Inter was not found, the figure is in another one; install archviz, or put Inter's files beside the source" >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$folder/$name.tex" "$work/figure.tex"
export OSFONTDIR="$folder//:$fonts//" openin_any=p openout_any=p # the bundled Inter, or the one beside the source
export SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1                    # the same bytes for the same source
if ! (cd "$work" && "$engine" -interaction=nonstopmode -halt-on-error -no-shell-escape figure.tex) >"$work/out" 2>&1; then
  grep -A 4 '^!' "$work/figure.log" >&2 || tail -5 "$work/out" >&2
  exit 1
fi
grep -h 'Overfull\|^Missing character' "$work/figure.log" >&2 || true
mv "$work/figure.pdf" "$folder/$name.pdf"
echo "$folder/$name.pdf"
[ "${PNG:-yes}" != no ] || exit 0
if ! command -v pdftocairo >/dev/null; then
  echo "compile.sh: pdftocairo is not installed, there is no PNG; on Debian: apt install poppler-utils" >&2
  exit 4
fi
pdftocairo -png -r 300 -singlefile "$folder/$name.pdf" "$folder/$name"
echo "$folder/$name.png"
pages=$(pdfinfo "$folder/$name.pdf" | awk '/^Pages:/ {print $2}')
[ "$pages" -gt 1 ] || exit 0
pdftocairo -png -r 300 -f 2 "$folder/$name.pdf" "$folder/$name"
for number in $(seq -w 2 "$pages"); do echo "$folder/$name-$number.png"; done
