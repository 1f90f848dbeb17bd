"""Reading Word documents in the old binary format, on one that LibreOffice has written."""

import base64
import lzma
import random

import olefile
import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError

# Packed here as text: a heading, characters of three scripts, a footnote, words that are deleted or hidden, a list,
# a table, a field and a second heading.
PACKED = """
{Wp48S^xk9=GL@E0stWa761SMbT8$j;8Fh!^j!dGGrk;#Fn3_|q=YHL-
W+x(g7T4u+=$92yCz*a;yL~WOvb{xn21K)k_pnwaWB^pYfS(?j9W#?O5!`h2|K9g%!sixRAHqklT2=8ngFP!^s=}ebu@-
kI1U$O$ul{}YKd+^n|?4-EFw78`b^)2wtd&!v?c<-F}a-
*&wZW#O{k9m`+;1fMTi9=>wyg<ZGUaOJN=}~DUmbb?IseTGqrLvVmbSQfq^m=%1!#Adm1m2VpKF-`6H_S4sGY4&fEKFnViYu@4)xNs}9-
MBgwCR{?_E{|8^M8>>@2*>X%-r%MIXU+-SHR4cL?Lv*RV9U$NURd5Z755-
dGqJBBuJ<D=N?@l2)j4wDCB$+6D~lOuohw+oO|nMtjUz*iuf9Em25xtT<H=}8;^lJjg+&cXKKMifNubG=ATQ0Qh$7{p{K(h(zWzkP#)NsxmX*E
4b1n9oL1yT3$sl98nfS3Vb9^=(drnoG{e4zK4HT(UdEG#W27-
4k8)eUCei@!^a0ALAC^g*~SRgF^xFAOs^xUwZz|Pf0R|*mIeMlETV5;`zph#%7cHVv_KlOCFreBh(*D;-
cPAcG+^4Z(7#nK_;C1E@_qfXrNY}Q<xa?*${f!>lV==rz~Z8_FS_4_NC&fWGd;9k$rwcE)R5+h4Dg2d`61p65%zSls5SLCjvcmcFQtibA@y@JS
c;UFE0-
1yGR#f12md<D`~38&jkb2F>XWe`Q$+jF;h}fuWDW?>elx_*plWf>@eaoex@e~@%{F<5k#UC(iZ=H9lBTV*o`a4pB7&HPTNQ3>KTg^rm5#9m?k#
#+<}>Yvm9%cj1X|2uDOVme&&u4Hy%;tv(lbFN*<3h3g3pos6E+i&6@<ss;t&aRS4MpsqBJ}MFbV-
%YgR%|86GBQ?ldCoti6byz(H%5Z%fOYKF~l)|i1*#&S0oUoJ_=!#t$6SHc~?Gxy1k?6aSa296d!D1ZE9wOtCeh?^lXL?Q2Md4bzJ4&1+wxR^AY
mf_KJny8a%#S<Ao>uGP1uWuUIQ|+}n#(41Npat6d?=)9dBB#c7oL$fchVZ?lnwTz?P5PdAFdo>tsHrZmn{`W|C&5a8WD#cdLAT!7@$}Zgu_=UU
=Pco|l#=#xZ~PonDZdzo#ylS_(SKLWs161Po``q!)i(Ka{ME;xuIUtkRj%4GF)Z{J{OrC|@AghSzuCkZ*N91FuSg5g?b4aL6wiNTx`TPgpYy1?
Zc{n%r99PT9Dft~L;qtQL0BzI=x`m7!ev7=?EuN<MfiW$p-
1>dF|x{**+A4u&rW{RBQJ%E>P25P<@PYxW82<Zx|Fg3<I{kPRVB7LT%B~_XXn)9vMhkhi3zME3}$*`HcxdJ@bjx(eDSTXGdzEca`PO#`qCEv1(
H(d0k%#N8o6u!iar1&={c56%I-eHz?e!rJ_r@DqWuLW6KxS-
u97Y+soC?G6Gu@eh_fnBuVXUpm}j|uZ%^Vp2>BAH+=5u5CIS<2>L=8iY&Pln5zlY#1i8kL%!raYZ3<z0KSBMhKuJ-8&{?l1v|a9lyguuDC~G;-
hnxHrd_wAam~KjML(CR^qKd{(9?O~b8i4)T;ecC5qb6T+o{Na7_1k>P?4#^+k`yI#l*HCiC$3Lg)2iF`0|TDi)o{a*n+eR=zgxs<<SdG6xUV#o
9Jy5;E+rjgXyrqhWT{VzEC#KnxRkic52Zb_Zh86hqshNLqhGxL=SGOA`4%3ESUZV;Hsov9_+J-
go9DrBIlZGb(z~l*j<qEYz>^=;M9FKU%I{tr-YzIyrXlsdC$6Xs{WN&(G31JoBU(nEPPohO4&#<{WVC=eEx8WhyJGz&-
7el0><G4nGjA)(TJE+7^x>Vf;GO%!Ra_%ayXat$PpYLq@I6XX)T{O4!hq8wS}Zt=yA%R1jn}UnQD8aWeV)WN0Q7u8e&rXZocF9O0?EKuXg>JxX
YouzCDE40y5cYWYYg983&yY*^A2%S#NU=${Kz4NTqBsiGDxja=$Xd~6If3;Erd7)jpKpL58bri8a(r1iNKUe-
D{CETRpQzCDYP?vE{sMX|DX3UD~paMPo1JiZ|;}=&4r*JG1p^qBm#m{ph{@-gw0vXs)~|4^Hox^>FjQ@M;VFjODC|x-
Q?rJB;qzoZ3u(hIHDeWWg3aV?fH=C6fGS)ITVp5RYe@&(v4&C$r~0R?SaV%O@A@&Y6YgLQr>e$Xt*qv-_jLj`G4&+x;!y*5l+>3k=0c&dx&V_r
fWl`*O0jkrIR&jp6WWsaPe=PVDrcJv+d`9RCuQDg00sB#(jzQeitC;NQ#%On6l7z2|T)964AhPNAtkvl6np3T?N?Q!$xO@T7dVz`mi?>=n?r=;
a%Nhr<Am=$DcRLd`H?C5K%SRSL=gMAx6M2!P)jULsPzc<*MW0XHg-
xe;KcI)}*3_VBLGq(`1W>r^dRw`m=S%&??%Fwd?{p~TU3D06A5P<j~fU*8e%h(42}WGX*U-wCp|wD?K`j^LGF1qY^?F`5YI-W-ZZ46V7{i*fJ*
LU|yUJ2OJ{<}zV8+(pgz$g6Z6;e=c{77G$b{El5M0M$<ENMHIx;1tX2MlmzyhP+HX`Cw0FC<R(k%hbi;EqqAHSv6QsFD^M++iY^bklA?WUYVqr
)ZMKAHr7E2kyHcek-CW*v?;y~XsWA7vNaL-Uzvd!Iy8jinbaQRU85jRBnwDhG7iGDEQY}T<Q!%_T7QWGBE;5a@__BAX=Va+l<!+87?kTv=oRq{
UbYg6Xk4tCRy$>q&5&hEk#!@-cI>FaAt@jMz`PnT6So;qLYW4dc+VU(oJ`(GD6B(6gvwm#-
r_ADS?eN26GX!^n5ez$;g+UU(S=Pt?xzOX2&T0W&-$+D84H(&T5FaN&!dkkML(D4dMHreEH0*=QwZ6a#hx$o>9l!kUR9a-
BxfAC#8~(+mvHX%?h?U1d$hagf_?&1Uuk(oUqrzYFAd3~8ZCc?7_DMi`vp3U<i}N(4_KdMx~_NUnG2Ki2ozg>R>xT(s$rvSEAwl20LX&#f7e^m
2Jy{g`UC%yD#+Zjn=WENNxjibWEO@~*8RY@Qowvx1#OkiG+F{V9xw}B`J?J$M&<eVH~rHz#E%xMSYMDSlfvRR<YabYdiyel{GHu;eoZ7D=&Us+
gC(@M-K)57kNQolAzbbcQ~Dnky#p^9v_H@HG7=wHff_F33taB^yTwFr;^Z`&6}WkaFgVoO(f7cL48-Dr)n!WEVXOX(-
hH}_ug4?D)<#aOq^nia>!|&kkLP~mi-bB~nE~Anbysx*6h9C(F%*)Qb^=vp3ZMvhPr~Mq855O?co<THD+)Sc$0@v#>2zB$=@q-
!zoM?N{K@VP+p)el3U$y~1~N^(&5EoF!_;ad{ZP`IH>t;fwp~g+4#Bxo&9zK9_b;}z>rg=Y-C>Xg@lWxic8S;r3)J#E4{L3D>c9R-
HfKKbvq7?da&%pTAaZ_KixA&Rb1D%-&+?ruNIFyU8rk8Xw~@Vgp%ZRoO|?)?NhZ4{Yj3ERwxW@JUGRw-bd{3~pp(8WONypTnrC&o%DOip9>mzl
=J)7VP;m?KX(WTmPyx;KDaJTjh$<e>4vXx}|B~Qor9K-XdFelLeLg-
o9R=>U;|IDWvD3Md{X}}8!oUez<GnABUbQnicXk%<4&HnWbK4eLrYGUGsqHWy|D|rfkEe`D=b?%IV%Q4>g?mWCjg`rdP#~QIvbFdyXRg5z2{Z2
{mXW3`Yp5<H5j)4zJTcB+-e2xdqy}(q;LvfV1FA`zGCF?}3JfbOh>LdIi^NesW$LOO#E^*XLb-beEOj4n^?GFSRM1*bKga7<PEqq)ArqwmtbI9
4@G~DE8O}6#ZS&*>7&1{V;CeIU)kdHI(4cGpn<;l%#=FpDdCmh{Z;FWnCYYCRkj(baxzcus==!J*nxFUwsq<?e*O8O+GW#Me4@>yqbMt^ep*Uk
b%d=45euG)D4a(R~G{?jhqb2+&X-B>3tccr1iNG!&32>0<a}T-
Zvvr~>FGZ7MC{D;wJHl1pnHT8&z5a6@F2rrzGdlfElR%WDpNPT5rXBS@Z6O+TruPPGo{Yy5rmaxguSvMrfuLv^A^@hcrkdu(wo>gBt&!+_62m}
_oBcSs)KzVlfYB(AtQQP90I=`!8E_iBvaKB8)Yv|=pto%&SjYZ$j@Kb4furz~jU>Z9!o>QtFyq~`>3;!$#;zGA_Hg5$E{0geV$B}PI$DCrIC`Z
Mr-`EZ0$&sVrRp_v#MHn&uRGB?Sy-=F_k%tFe6~%M3d5CY00EF1fTRHcdp}U#vBYQl0ssI200dcD
"""
DOCUMENT = lzma.decompress(base64.b85decode(PACKED.replace("\n", "")))


def stream_start(name: str) -> int:
    """Return where in the file a stream of its own sectors begins."""
    with olefile.OleFileIO(DOCUMENT) as ole:
        entry = ole.direntries[ole._find(name)]
        return int((entry.isectStart + 1) * ole.sectorsize)


def changed(offset: int, value: bytes) -> bytes:
    start = stream_start("WordDocument") + offset
    return DOCUMENT[:start] + value + DOCUMENT[start + len(value) :]


def test_an_old_word_document_is_read_with_its_structure() -> None:
    extracted = read_document(DOCUMENT, "a.doc")
    assert extracted.text == (
        "Booking\n\nBook trains early, “so” 😀 в срок [1].\n\n[1] See the annex.\n\n- first\n- second\n\n"
        "City: Oslo; Hotel: 180; Meals: 55\nCity: Rome; Hotel: 90; Meals: 30\n\n"
        "a result of a field\n\nReturn\n\nWords."
    )
    assert [section.heading for section in extracted.sections] == ["Booking", "Booking > Return"]
    assert (extracted.title, extracted.format) == ("Travel – rules", "doc")


def test_a_document_under_a_password_says_so() -> None:
    flags = DOCUMENT[stream_start("WordDocument") + 0x0B]
    with pytest.raises(ReadError, match=r"a\.doc is password-protected"):
        read_document(changed(0x0B, bytes([flags | 1])), "a.doc")


def test_a_document_of_an_older_version_says_so() -> None:
    with pytest.raises(ReadError, match=r"a\.doc was written by Word 95"):
        read_document(changed(2, b"\x68\0"), "a.doc")


def test_a_document_whose_words_lie_outside_the_file_is_damaged() -> None:
    with pytest.raises(ReadError, match=r"a\.doc is damaged or no Word document"):
        read_document(changed(0x1A2, b"\0\0\0\0"), "a.doc")


def test_changed_bytes_make_other_words_or_a_reason_and_nothing_else() -> None:
    source = random.Random(7)
    reasons = 0
    for _ in range(60):
        data = bytearray(DOCUMENT)
        for _ in range(20):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            assert read_document(bytes(data), "a.doc").sections
        except ReadError as error:
            reasons += 1
            assert str(error).startswith("a.doc")
    assert reasons


@pytest.mark.parametrize("kept", [700, 9_000])
def test_a_truncated_document_says_why(kept: int) -> None:
    with pytest.raises(ReadError, match=r"a\.doc"):
        read_document(DOCUMENT[:kept], "a.doc")
