"""Reading workbooks in the old binary format, on one that LibreOffice has written."""

import base64
import lzma
import random

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError

# Packed here as text: a sheet with a table of cities, days and nights, and a hidden sheet.
PACKED = """
{Wp48S^xk9=GL@E0stWa761SMbT8$j;1~Y{k6i$0Grk;#Fn3_|q=YHL-W+x(g7T4u+=$92y5XR=#s1$Y|6@ZSfQ3MUD>BRRg-WROuZTSRwY6lB
L={3Zn7TTQ@jOBSh;(rl_XhGR$$c+C4_AKGP2NnyRK>s)anO}_xFFTh$V)f%Mqx&vzO(_B^U`KmuHSo3!AmumoWZv-
C9^?bW2EE?50$9`Yu&K1H}C>?R*WCc4`sASE8Qc)!d&=7(gcpPdw%eDef-e9QXAC5{e!y2h77_QpcuZ<wDh~hIa(^*^%Vw=({b-
j=1pkw_V>@Y8aeL1@`ZP!ltsOjl!&Y`X2DBA{&kyFdr17lIruba&MqF+Ah*L#9upUDTvfxGm(+1C;JHIj&=wwC-
E|wK7&!EJ#_OuGzBzvjzfMcv&F4a!r;m!2JU=Qf$jgRAli#5+ON3bIF4W?ez%w<HNLVMz{8$vsD3v1J7D*3?IS<yd+nu5G^;#;6oq8y4kVW!$E
7P>f0TINE2fvr{f5OLA=s>>o{Pt)wc(i^x{bD-
y?vj?6f~SQ^jw_`YTEtJFfgGJWe_x_RQBb*{xeLu`z$%7V0H#fpt&L$VtM~VSz;_o|<BUId)HyfP@t~DLf|H_ldI^ZcxW#|{^{>GgSwy4>HZsZ
1691E``)B1XiKtv5VEz)_bm2fsAbucupxu}35LWoe8}I&@*xKnKBX?F?m6(ubAoC`LA%O7SCWd7m(Mtj#I%eH}IKnnm16E8{l@F^PC|E<R4=gb
uKiZevnZh@S)Z5!CtI`he$^u8TRW7hqoD2o_MGBHjII<^}hl7r*`okZZ8*ExJBFN~_Si{~CFj!afj0F;(O^Asjni=7#sz0F>D26sV%z|L&)^Y{
w_mav`qSD((#olxB<xH9)k~oU^Sm4~v!A-CglDwe_?us*tO{nK>8_+&IWRIksEu>(-
6=xr@s3(+?@4iU_6m!oIobvMJ7;iN<>}vznd6p^YOyYoA<aVY-yi}`l1x)PKGOsRtW_EUw&)B0!RYcyOXgVSbn*hRqU9b>1i-
_gUCHjD*2s46WCE}?|K#>`2jDhgS5c`Ys+=3g){=YNx-O*!)shnrN#p}K>eI!b=x*S;U{A`Z-
2g4pZ*7#_$ay^^Zj5cpLEFN(0>}%Az7HOhKm*;A$GnRKPW+s{&z30Ow{KR6PQr>Kv=bmGJxr4!&0j9ASD6l3Crd_#O)A)3CJ<(!R<<*Q<-
@%C~f*ZNQ4pQY8BKFAB&I_M%^FQPZH=aA9FBWwkvMqj|{Ji5R^Av+&L;e=&B$B6dB$$+P39w*2Whb})htVsxerxWUrY;ls@99W3gjA)$c_L5PM
7g_wkT6Pem?^nsaS7yj-ii87)G+|F58^x4N#6qZ0=~UHxIKt~x;5yp+5@3ht=M(T0QJ0S5-
Y^7toF|8*4SV$SCfG%5YU|w+r=a`SU2Y=gu@h;*Pb;4>3?~1*;Gg=7n8BFwhHCJ0FublJlq(2e~CM`z6M}}zU|Iy=Xxk_`wApMfc|~}0K-
D_f&KshS=!DFlYcH*00FBBfG_|6Dg>-_vBYQl0ssI200dcD
"""
WORKBOOK = lzma.decompress(base64.b85decode(PACKED.replace("\n", "")))


def test_an_old_workbook_is_read_like_a_new_one() -> None:
    extracted = read_document(WORKBOOK, "a.xls")
    assert extracted.text == (
        "Travel\n\nCity: Oslo; Day: 2024-03-01; Nights: 3\nCity: Röros; Day: 2024-03-02; Nights: 1.5\n\n"
        "Basis (hidden sheet)\n\nfigures"
    )
    assert [section.page for section in extracted.sections] == [1, 2]
    assert extracted.format == "xls"


def test_changed_bytes_make_other_values_or_a_reason_and_nothing_else() -> None:
    source = random.Random(7)
    reasons = 0
    for _ in range(60):
        data = bytearray(WORKBOOK)
        for _ in range(20):
            data[source.randrange(len(data))] = source.randrange(256)
        try:
            assert read_document(bytes(data), "a.xls").sections
        except ReadError as error:
            reasons += 1
            assert str(error).startswith("a.xls")
    assert reasons


def test_a_truncated_workbook_says_why() -> None:
    with pytest.raises(ReadError, match=r"a\.xls"):
        read_document(WORKBOOK[:2_000], "a.xls")


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.doc", "a.ppt"])
def test_a_file_under_a_password_says_so(name: str) -> None:
    locked = WORKBOOK.replace("Workbook\0\0".encode("utf-16-le"), "EncryptedPackage\0\0".encode("utf-16-le"))
    with pytest.raises(ReadError, match=r"password-protected"):
        read_document(locked, name)
